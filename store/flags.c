#include "store/flags.h"
#include "store/acl.h"
#include "store/changes.h"
#include "store/msg.h"
#include "store/schema.h"

#include <inttypes.h>

const char *const flags_system_names[FLAGS_SYSTEM_COUNT] = {"\\Seen", "\\Answered", "\\Flagged",
                                                            "\\Deleted", "\\Draft"};

/* --- keywords --- */

static enum err keywords_damaged(uint64_t mailbox, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "mailbox %" PRIu64 ": damaged keywords", mailbox);
}

enum err flags_book(struct flags_book *b, struct txn *t, struct arena *a, struct mailbox *box,
                    struct fault *f)
{
    *b = (struct flags_book){.a = a, .box = box, .cap = box->keyword_count};
    b->names = arena_alloc(a, b->cap * sizeof *b->names);
    if (b->cap == 0)
        return ERR_OK;
    struct schema_key k;
    struct span key, value;
    struct table_walk w;
    uint32_t n = 0;
    bool good = true;
    table_walk(&w, t, TABLE_KEYWORD, schema_keyword_key(&k, box->id, 0), true);
    while (good && n < b->cap && table_walk_next(&w, &key, &value)) {
        uint64_t mailbox;
        uint16_t index;
        good = schema_keyword_of(key, &mailbox, &index) && mailbox == box->id && index == n;
        if (good)
            b->names[n++] = arena_keep(a, value);
    }
    enum err e = table_walk_end(&w, f);
    return e == ERR_OK && n < b->cap ? keywords_damaged(box->id, f) : e;
}

enum err flags_keywords(struct txn *t, struct arena *a, uint64_t mailbox, struct span **names_out,
                        size_t *n_out, struct fault *f)
{
    struct mailbox box;
    struct flags_book b;
    enum err e = mailbox_get(t, NULL, mailbox, &box, f);
    if (e == ERR_OK)
        e = flags_book(&b, t, a, &box, f);
    if (e != ERR_OK)
        return e;
    *names_out = b.names;
    *n_out = box.keyword_count;
    return ERR_OK;
}

/* atom of RFC 9051 §9: no control characters, no specials of lists, quotes and wildcards. */
static enum err check_keyword(struct span name, struct fault *f)
{
    bool good = name.n > 0;
    for (size_t i = 0; good && i < name.n; i++)
        good = name.p[i] > ' ' && name.p[i] < 0x7f && !strchr("(){%*\"\\]", name.p[i]);
    if (!good)
        return fault_set(f, ERR_INVALID, "not a keyword");
    return name.n > MAILBOX_KEYWORD_BYTES
               ? fault_set(f, ERR_LIMIT, "keyword longer than %d bytes", MAILBOX_KEYWORD_BYTES)
               : ERR_OK;
}

static bool book_find(const struct flags_book *b, struct span name, size_t *at)
{
    for (*at = 0; *at < b->box->keyword_count; ++*at) {
        if (span_eq_ci(b->names[*at], name))
            return true;
    }
    return false;
}

static enum err book_full(struct fault *f)
{
    return fault_set(f, ERR_LIMIT, "more than %d keywords in one mailbox", MAILBOX_KEYWORD_COUNT);
}

enum err flags_book_bit(struct flags_book *b, struct txn *t, struct span name, uint16_t *bit_out,
                        struct fault *f)
{
    size_t at;
    bool there = book_find(b, name, &at);
    *bit_out = (uint16_t)at;
    if (there)
        return ERR_OK;
    enum err e = check_keyword(name, f);
    if (e == ERR_OK && at == MAILBOX_KEYWORD_COUNT)
        e = book_full(f);
    if (e != ERR_OK)
        return e;
    if (at == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 8;
        struct span *more = arena_alloc(b->a, b->cap * sizeof *more);
        if (at)
            memcpy(more, b->names, at * sizeof *more);
        b->names = more;
    }
    b->names[at] = name;
    b->box->keyword_count++;
    struct schema_key k;
    return table_put(t, TABLE_KEYWORD, schema_keyword_key(&k, b->box->id, *bit_out), name, f);
}

/* Whether all of names can be made if need be. */
static enum err book_check(const struct flags_book *b, const struct span *names, size_t n,
                           struct fault *f)
{
    size_t at, missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (book_find(b, names[i], &at))
            continue;
        enum err e = check_keyword(names[i], f);
        if (e != ERR_OK)
            return e;
        missing++;
    }
    return b->box->keyword_count + missing > MAILBOX_KEYWORD_COUNT ? book_full(f) : ERR_OK;
}

enum err flags_row_bitmap(struct txn *t, struct arena *a, struct mailbox *box,
                          const struct span *names, size_t n, bool make, struct span *bitmap_out,
                          struct fault *f)
{
    struct flags_book b;
    *bitmap_out = SPAN("");
    if (n == 0)
        return ERR_OK;
    enum err e = flags_book(&b, t, a, box, f);
    if (e == ERR_OK && make)
        e = book_check(&b, names, n, f);
    char *bits = arena_zalloc(a, SCHEMA_KEYWORDS_BYTES);
    size_t used = 0;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        uint16_t bit;
        size_t at;
        if (!make && !book_find(&b, names[i], &at))
            continue;
        e = flags_book_bit(&b, t, names[i], &bit, f);
        if (e != ERR_OK)
            break;
        bits[bit / 8] = (char)(bits[bit / 8] | 1 << bit % 8);
        used = bit / 8u + 1 > used ? bit / 8u + 1 : used;
    }
    *bitmap_out = span_of(bits, used);
    return e;
}

enum err flags_bitmap(struct txn *t, struct arena *a, uint64_t mailbox, const struct span *names,
                      size_t n, struct span *bitmap_out, struct fault *f)
{
    struct mailbox_row row;
    enum err e = mailbox_row_get(t, mailbox, &row, f);
    if (e != ERR_OK)
        return e;
    uint32_t old_count = row.box.keyword_count;
    e = flags_row_bitmap(t, a, &row.box, names, n, true, bitmap_out, f);
    if (e == ERR_OK && row.box.keyword_count != old_count)
        e = mailbox_row_put(t, &row, false, f);
    mailbox_row_end(&row);
    return e;
}

/* --- STORE --- */

/* to becomes what how makes of old and given; its memory has room for SCHEMA_KEYWORDS_BYTES. */
static struct span change_keywords(char *to, enum flags_how how, struct span old, struct span given)
{
    size_t n = old.n > given.n ? old.n : given.n, used = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned was = i < old.n ? (unsigned char)old.p[i] : 0,
                 bits = i < given.n ? (unsigned char)given.p[i] : 0;
        unsigned now = how == FLAGS_REPLACE ? bits : how == FLAGS_ADD ? was | bits : was & ~bits;
        to[i] = (char)now;
        used = now ? i + 1 : used;
    }
    return span_of(to, used);
}

/* may: the bits that the actor may change. */
static uint32_t change_system(enum flags_how how, uint32_t old, uint32_t given, uint32_t may)
{
    given &= may;
    return how == FLAGS_REPLACE ? given | (old & ~may)
           : how == FLAGS_ADD   ? old | given
                                : old & ~given;
}

struct flags_run {
    struct txn *t;
    struct mailbox_row *row;
    const struct flags_change *change;
    struct span given;    /* keywords as a bitmap */
    struct acl_flags may; /* what else is wanted stays as it is: RFC 4314 §4 */
    struct uidset *changed, *modified;
};

/* How many keywords the bitmap has. */
static size_t count_bits(struct span bitmap)
{
    size_t n = 0;
    for (size_t i = 0; i < bitmap.n; i++)
        for (unsigned bits = (unsigned char)bitmap.p[i]; bits != 0; bits &= bits - 1)
            n++;
    return n;
}

/* Whether the flags to be added are all absent, or those to be taken away all there: then what has changed in the message is
 * something else. A system flag always exists, which is what a MODSEQ of 0 asks. RFC 7162 §3.1.12, §3.1.3 */
static bool is_untouched(const struct flags_run *run, const struct msg *m)
{
    const struct flags_change *c = run->change;
    bool add = c->how == FLAGS_ADD;
    uint32_t system = c->wanted.system & run->may.system;
    if (c->how == FLAGS_REPLACE || (c->unchangedsince == 0 && (system || !add)))
        return false;
    if (!add && run->may.keywords && count_bits(run->given) < c->wanted.keyword_count)
        return false; /* one that the mailbox does not know cannot be there */
    bool untouched = (m->flags & system) == (add ? 0 : system);
    for (size_t i = 0; untouched && i < run->given.n; i++) {
        unsigned bits = (unsigned char)run->given.p[i];
        unsigned is = i < m->keywords.n ? (unsigned char)m->keywords.p[i] : 0;
        untouched = (is & bits) == (add ? 0 : bits);
    }
    return untouched;
}

/* One message, of which m is the row. */
static enum err store_one(struct flags_run *run, struct msg *m, struct fault *f)
{
    const struct flags_change *c = run->change;
    char bits[SCHEMA_KEYWORDS_BYTES];
    if (c->conditional && m->modseq > c->unchangedsince && !is_untouched(run, m)) {
        uidset_add(run->modified, m->uid, m->uid);
        return ERR_OK;
    }
    uint32_t now = change_system(c->how, m->flags, c->wanted.system, run->may.system);
    struct span keywords =
        run->may.keywords ? change_keywords(bits, c->how, m->keywords, run->given) : m->keywords;
    if (now == m->flags && span_eq(keywords, m->keywords))
        return ERR_OK;
    struct schema_msg value;
    struct schema_key k;
    mailbox_row_count(run->row, m, false);
    m->flags = now;
    m->keywords = keywords;
    m->modseq = txn_modseq(run->t);
    mailbox_row_count(run->row, m, true);
    uidset_add(run->changed, m->uid, m->uid);
    return table_put(run->t, TABLE_MSG, schema_msg_key(&k, run->row->box.id, m->uid),
                     schema_msg(&value, m), f);
}

static enum err store_all(struct flags_run *run, const struct uidset *uids, struct fault *f)
{
    struct msg_pick p;
    struct msg m;
    enum err e = ERR_OK;
    msg_pick(&p, run->t, run->row->box.id, uids, run->row->box.uidnext);
    while (e == ERR_OK && msg_pick_next(&p, &m))
        e = store_one(run, &m, f);
    enum err end = msg_pick_end(&p, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

enum err flags_store(struct txn *t, uint64_t mailbox, const struct uidset *uids,
                     const struct flags_change *change, struct uidset *changed_out,
                     struct uidset *modified_out, struct fault *f)
{
    struct mailbox_row row;
    uidset_clear(changed_out);
    uidset_clear(modified_out);
    enum err e = mailbox_row_get(t, mailbox, &row, f);
    if (e != ERR_OK)
        return e;
    struct arena *a = arena_new();
    struct flags_run run = {
        .t = t, .row = &row, .change = change, .changed = changed_out, .modified = modified_out};
    uint32_t old_count = row.box.keyword_count;
    e = acl_flags(t, &row.box, &run.may, f);
    if (e == ERR_OK && run.may.keywords)
        e = flags_row_bitmap(t, a, &row.box, change->wanted.keywords, change->wanted.keyword_count,
                             change->how != FLAGS_REMOVE, &run.given, f);
    if (e == ERR_OK)
        e = store_all(&run, uids, f);
    bool changed = !uidset_empty(changed_out);
    if (e == ERR_OK && (changed || row.box.keyword_count != old_count))
        e = mailbox_row_put(t, &row, changed, f);
    if (e == ERR_OK && changed)
        e = changes_record(t, row.box.account, mailbox, CHANGE_FLAGS, changed_out, f);
    arena_free(&a);
    mailbox_row_end(&row);
    return e;
}
