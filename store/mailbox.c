#include "store/mailbox.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "store/acl.h"
#include "store/directory.h"
#include "store/glance.h"
#include "store/metadata.h"
#include "store/msg.h"
#include "store/quota.h"
#include "store/schema.h"

#include <inttypes.h>

#define INBOX SPAN("INBOX")

/* --- names --- */

/* C0, DEL, C1 and the separators of lines and paragraphs. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static const char *name_fault(struct span name)
{
    uint32_t c = 0, before = '/';
    unsigned levels = 1;
    if (name.n == 0 || name.n > MAILBOX_NAME_BYTES)
        return name.n ? "too long" : "empty";
    for (; name.n; before = c) {
        size_t n = utf8_next(name, &c);
        if (n == 0)
            return "not UTF-8";
        if (is_control(c))
            return "a control character";
        if (c == '*' || c == '%')
            return "\"*\" or \"%\" in it";
        if (c == '/' && before == '/')
            return "an empty level";
        if (c == '/')
            levels++;
        name = span_from(name, n);
    }
    return before == '/' ? "an empty level" : levels > MAILBOX_LEVEL_COUNT ? "too deep" : NULL;
}

enum err mailbox_name_check(struct span name, struct span *canonical_out, struct fault *f)
{
    const char *why = name_fault(name);
    if (why)
        return fault_set(f, ERR_INVALID, "mailbox name: %s", why);
    *canonical_out = span_eq_ci(name, INBOX) ? INBOX : name;
    return ERR_OK;
}

struct span mailbox_above(struct span name)
{
    size_t n = name.n;
    while (n > 0 && name.p[n - 1] != '/')
        n--;
    return span_to(name, n > 0 ? n - 1 : 0);
}

/* --- rows --- */

static enum err damaged(uint64_t id, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "mailbox %" PRIu64 ": damaged row", id);
}

enum err mailbox_row_get(struct txn *t, uint64_t id, struct mailbox_row *row, struct fault *f)
{
    struct schema_key k;
    buf_init(&row->bytes, SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES);
    enum err e = table_get(t, TABLE_MAILBOX, schema_id_key(&k, id), &row->bytes, f);
    if (e == ERR_NOTFOUND)
        (void)fault_set(f, e, "mailbox %" PRIu64 " is not there", id);
    else if (e == ERR_LIMIT ||
             (e == ERR_OK && !schema_mailbox_of(buf_span(&row->bytes), &row->box)))
        e = damaged(id, f);
    row->box.id = id;
    row->was_bytes = row->box.bytes;
    row->was_messages = row->box.messages;
    if (e != ERR_OK)
        buf_fini(&row->bytes);
    return e;
}

void mailbox_row_end(struct mailbox_row *row)
{
    buf_fini(&row->bytes);
}

/* Damaged counters stop at 0: mailstead check tells of them. */
static void count_u32(uint32_t *n, bool is, bool in)
{
    if (is && in)
        ++*n;
    else if (is && *n > 0)
        --*n;
}

static void count_bytes(uint64_t *sum, uint64_t bytes, bool in)
{
    *sum = in ? *sum + bytes : *sum - (bytes < *sum ? bytes : *sum);
}

void mailbox_row_count(struct mailbox_row *row, const struct msg *m, bool in)
{
    struct mailbox *b = &row->box;
    count_u32(&b->messages, true, in);
    count_u32(&b->unseen, !(m->flags & FLAGS_SEEN), in);
    count_u32(&b->deleted, m->flags & FLAGS_DELETED, in);
    count_bytes(&b->bytes, m->bytes, in);
    if (m->flags & FLAGS_DELETED)
        count_bytes(&b->deleted_bytes, m->bytes, in);
}

static enum err put_row(struct txn *t, const struct mailbox *b, struct fault *f)
{
    char bytes[SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES];
    struct schema_key k;
    return table_put(t, TABLE_MAILBOX, schema_id_key(&k, b->id), schema_mailbox(bytes, b), f);
}

enum err mailbox_row_put(struct txn *t, struct mailbox_row *row, bool raise, struct fault *f)
{
    const struct quota_amount was = {row->was_bytes, row->was_messages, 0};
    const struct quota_amount is = {row->box.bytes, row->box.messages, 0};
    if (raise)
        row->box.highestmodseq = txn_modseq(t);
    enum err e = put_row(t, &row->box, f);
    if (e == ERR_OK)
        e = quota_count(t, row->box.account, &was, &is, f);
    row->was_bytes = is.bytes;
    row->was_messages = row->box.messages;
    return e;
}

static enum err drop_keywords(struct txn *t, const struct mailbox *b, struct fault *f)
{
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < b->keyword_count && e == ERR_OK; i++) {
        struct schema_key k;
        e = table_drop(t, TABLE_KEYWORD, schema_keyword_key(&k, b->id, (uint16_t)i), f);
        if (e == ERR_NOTFOUND)
            e = ERR_OK;
    }
    return e;
}

static enum err drop_name(struct txn *t, const struct mailbox *b, struct span name, struct fault *f)
{
    struct schema_key k;
    enum err e = table_drop(t, TABLE_NAME, schema_name_key(&k, b->account, name), f);
    return e == ERR_NOTFOUND ? damaged(b->id, f) : e;
}

enum err mailbox_row_drop(struct txn *t, struct mailbox_row *row, struct fault *f)
{
    struct schema_key k;
    const struct mailbox *b = &row->box;
    enum err e = drop_keywords(t, b, f);
    if (e == ERR_OK)
        e = drop_name(t, b, b->name, f);
    if (e == ERR_OK)
        e = glance_drop(t, b->id, f);
    if (e == ERR_OK)
        e = acl_drop(t, b->id, f);
    if (e == ERR_OK)
        e = metadata_drop(t, b->id, f);
    if (e == ERR_OK)
        e = table_drop(t, TABLE_MAILBOX, schema_id_key(&k, b->id), f);
    if (e == ERR_OK)
        e = quota_count(t, b->account, &(struct quota_amount){0, 0, 1},
                        &(struct quota_amount){0, 0, 0}, f);
    if (e == ERR_OK)
        e = changes_record_about(t, b->account, b->id, CHANGE_BOX_GONE, b->name, f);
    return e;
}

/* --- finding --- */

static enum err find_id(struct txn *t, uint64_t account, struct span name, uint64_t *id,
                        struct fault *f)
{
    struct schema_key k;
    if (name.n == 0 || name.n > MAILBOX_NAME_BYTES)
        return fault_set(f, ERR_NOTFOUND, "no such mailbox");
    enum err e = table_get_u64(t, TABLE_NAME, schema_name_key(&k, account, name), id, f);
    return e == ERR_NOTFOUND ? fault_set(f, e, "no such mailbox") : e;
}

/* A name that leads nowhere is damage. */
static enum err named_row(struct txn *t, uint64_t id, struct mailbox_row *row, struct fault *f)
{
    enum err e = mailbox_row_get(t, id, row, f);
    return e == ERR_NOTFOUND ? damaged(id, f) : e;
}

static enum err find_row(struct txn *t, uint64_t account, struct span name, struct mailbox_row *row,
                         struct fault *f)
{
    uint64_t id;
    enum err e = find_id(t, account, name, &id, f);
    return e == ERR_OK ? named_row(t, id, row, f) : e;
}

/* Ends row. */
static void hand_out(struct mailbox_row *row, struct arena *a, struct mailbox *out)
{
    *out = row->box;
    out->name = a ? arena_keep(a, row->box.name) : SPAN("");
    mailbox_row_end(row);
}

enum err mailbox_find(struct txn *t, struct arena *a, uint64_t account, struct span name,
                      struct mailbox *out, struct fault *f)
{
    struct mailbox_row row;
    enum err e = find_row(t, account, name, &row, f);
    if (e == ERR_OK)
        hand_out(&row, a, out);
    return e;
}

enum err mailbox_get(struct txn *t, struct arena *a, uint64_t id, struct mailbox *out,
                     struct fault *f)
{
    struct mailbox_row row;
    enum err e = mailbox_row_get(t, id, &row, f);
    if (e == ERR_OK)
        hand_out(&row, a, out);
    return e;
}

enum err mailbox_each(struct txn *t, struct arena *a, uint64_t account, struct span from,
                      bool (*fn)(void *arg, const struct mailbox *box), void *arg, struct fault *f)
{
    struct schema_key start, k;
    struct span key, value, mine = schema_id_key(&k, account);
    struct table_walk w;
    enum err e = ERR_OK;
    bool more = true;
    table_walk(&w, t, TABLE_NAME,
               schema_name_key(&start, account, span_to(from, MAILBOX_NAME_BYTES)), true);
    while (more && e == ERR_OK && table_walk_next(&w, &key, &value) &&
           schema_has_prefix(key, mine)) {
        struct mailbox_row row;
        struct mailbox box;
        uint64_t id;
        e = schema_number(value, &id)
                ? named_row(t, id, &row, f)
                : fault_set(f, ERR_CORRUPT, "account %" PRIu64 ": damaged name", account);
        if (e != ERR_OK)
            break;
        hand_out(&row, a, &box);
        more = fn(arg, &box);
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

/* --- making --- */

/* The mailbox that the rights on a new one come from: the one above it; in a shared account, where INBOX stands for all of
 * it, INBOX. 0: none. */
static enum err find_parent(struct txn *t, uint64_t account, struct span name, uint64_t *id,
                            struct fault *f)
{
    struct span above = mailbox_above(name);
    bool shared = false;
    *id = 0;
    enum err e = ERR_OK;
    if (above.n == 0) {
        e = directory_account_shared(t, account, &shared, f);
        above = shared && !span_eq(name, INBOX) ? INBOX : above;
    }
    if (e == ERR_OK && above.n > 0)
        e = find_id(t, account, above, id, f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err create_one(struct txn *t, uint64_t account, struct span name, uint32_t uses,
                           uint64_t *id_out, struct fault *f)
{
    struct mailbox b = {.account = account,
                        .uidnext = 1,
                        .recent_from = 1,
                        .uses = uses,
                        .created = clock_wall(),
                        .highestmodseq = txn_modseq(t)};
    struct schema_key k;
    char id[8];
    enum err e = txn_new_id(t, &b.id, f);
    if (e == ERR_OK)
        e = txn_new_uidvalidity(t, &b.uidvalidity, f);
    if (e != ERR_OK)
        return e;
    struct span key = schema_name_key(&k, account, name);
    b.name = span_from(key, 8);
    e = table_add(t, TABLE_NAME, key, schema_number_value(id, b.id), f);
    if (e == ERR_OK)
        e = put_row(t, &b, f);
    if (e == ERR_OK)
        e = quota_count(t, account, &(struct quota_amount){0, 0, 0},
                        &(struct quota_amount){0, 0, 1}, f);
    uint64_t parent;
    if (e == ERR_OK)
        e = find_parent(t, account, b.name, &parent, f);
    if (e == ERR_OK && parent)
        e = acl_inherit(t, parent, b.id, f);
    if (e == ERR_OK)
        e = changes_record(t, account, b.id, CHANGE_BOX_NEW, NULL, f);
    if (e == ERR_OK && id_out)
        *id_out = b.id;
    return e == ERR_EXISTS ? fault_set(f, e, "mailbox exists") : e;
}

static enum err make_superiors(struct txn *t, uint64_t account, struct span name, struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < name.n && e == ERR_OK; i++) {
        uint64_t id;
        if (name.p[i] != '/')
            continue;
        e = find_id(t, account, span_to(name, i), &id, f);
        if (e == ERR_NOTFOUND)
            e = create_one(t, account, span_to(name, i), 0, NULL, f);
    }
    return e;
}

/* Refuses what cannot be made; nothing has been written yet. */
static enum err check_new(struct txn *t, uint64_t account, struct span *name, struct fault *f)
{
    uint64_t id;
    enum err e = mailbox_name_check(*name, name, f);
    if (e != ERR_OK)
        return e;
    e = find_id(t, account, *name, &id, f);
    if (e == ERR_NOTFOUND)
        return ERR_OK;
    return e == ERR_OK ? fault_set(f, ERR_EXISTS, "mailbox exists") : e;
}

/* The levels above name that are not there, and own, 1 where name itself is new. */
static enum err fits_quota(struct txn *t, uint64_t account, struct span name, unsigned own,
                           struct fault *f)
{
    struct quota_amount more = {0, 0, own};
    enum err e = ERR_OK;
    for (struct span above = mailbox_above(name); above.n > 0; above = mailbox_above(above)) {
        uint64_t id;
        e = find_id(t, account, above, &id, NULL);
        if (e != ERR_NOTFOUND)
            break;
        more.mailboxes++;
    }
    return e == ERR_OK || e == ERR_NOTFOUND ? quota_allows(t, account, &more, f) : e;
}

static enum err create(struct txn *t, uint64_t account, struct span name, uint32_t uses,
                       bool limited, uint64_t *id_out, struct fault *f)
{
    enum err e = check_new(t, account, &name, f);
    if (e == ERR_OK && limited)
        e = fits_quota(t, account, name, 1, f);
    if (e == ERR_OK)
        e = make_superiors(t, account, name, f);
    if (e == ERR_OK)
        e = create_one(t, account, name, uses, id_out, f);
    return e;
}

enum err mailbox_create(struct txn *t, uint64_t account, struct span name, uint32_t uses,
                        uint64_t *id_out, struct fault *f)
{
    return create(t, account, name, uses, true, id_out, f);
}

/* clang-format off */
static const struct {
    struct span name;
    uint32_t uses;
} defaults[] = {
    {{"INBOX", 5},   0},
    {{"Drafts", 6},  MAILBOX_DRAFTS},
    {{"Sent", 4},    MAILBOX_SENT},
    {{"Junk", 4},    MAILBOX_JUNK},
    {{"Trash", 5},   MAILBOX_TRASH},
    {{"Archive", 7}, MAILBOX_ARCHIVE},
};
/* clang-format on */

enum err mailbox_create_defaults(struct txn *t, uint64_t account, struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults && e == ERR_OK; i++) {
        e = create(t, account, defaults[i].name, defaults[i].uses, false, NULL, f);
        if (e == ERR_OK || e == ERR_EXISTS)
            e = mailbox_subscribe(t, account, defaults[i].name, true, f);
    }
    return e;
}

/* --- taking away --- */

enum err mailbox_delete(struct txn *t, uint64_t account, struct span name, struct fault *f)
{
    struct mailbox_row row;
    if (span_eq_ci(name, INBOX))
        return fault_set(f, ERR_INVALID, "INBOX stays");
    uint64_t id;
    enum err e = find_id(t, account, name, &id, f);
    if (e == ERR_OK)
        e = msg_expunge(t, id, NULL, false, NULL, f);
    if (e == ERR_OK)
        e = named_row(t, id, &row, f);
    if (e != ERR_OK)
        return e;
    e = mailbox_row_drop(t, &row, f);
    mailbox_row_end(&row);
    return e;
}

/* --- renaming --- */

/* What a rename moves: each mailbox with what follows the old name in its name ("" or "/...") . */
struct moved {
    uint64_t id;
    struct span rest;
};
struct move {
    struct txn *t;
    uint64_t account;
    struct span from, to;
    struct arena *a;
    struct moved *list;
    size_t n, cap;
};

static void move_add(struct move *m, uint64_t id, struct span rest)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->list = mem_grow(m->list, m->cap * sizeof *m->list);
    }
    m->list[m->n++] = (struct moved){id, arena_keep(m->a, rest)};
}

/* Whether name is below top. */
static bool is_below(struct span name, struct span top)
{
    return name.n > top.n && name.p[top.n] == '/' && schema_has_prefix(name, top);
}

/* The name below top of one that is moved: top is from or to; in the arena. */
static struct span move_name(const struct move *m, size_t i, struct span top)
{
    return arena_printf(m->a, "%.*s%.*s", SPAN_ARG(top), SPAN_ARG(m->list[i].rest));
}

/* The mailbox of the name that is moved is there, and takes this one along. */
static bool is_led(const struct move *m, size_t i)
{
    return m->list[i].rest.n > 0 && m->list[0].rest.n == 0;
}

static enum err move_collect(struct move *m, struct fault *f)
{
    uint64_t id;
    enum err e = find_id(m->t, m->account, m->from, &id, f);
    if (e == ERR_OK)
        move_add(m, id, SPAN(""));
    else if (e != ERR_NOTFOUND)
        return e;
    struct span below = arena_printf(m->a, "%.*s/", SPAN_ARG(m->from)), key, value;
    struct schema_key k;
    struct table_walk w;
    if (below.n > MAILBOX_NAME_BYTES)
        return e;
    below = arena_keep(m->a, schema_name_key(&k, m->account, below));
    table_walk(&w, m->t, TABLE_NAME, below, true);
    while (table_walk_next(&w, &key, &value) && schema_has_prefix(key, below)) {
        if (schema_number(value, &id))
            move_add(m, id, span_from(key, below.n - 1));
    }
    e = table_walk_end(&w, f);
    return e == ERR_OK && m->n == 0 ? fault_set(f, ERR_NOTFOUND, "no such mailbox") : e;
}

/* Every new name can be one, and is free or about to become free. */
static enum err move_check(struct move *m, struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->n && e == ERR_OK; i++) {
        struct span name = move_name(m, i, m->to);
        e = check_new(m->t, m->account, &name, f);
        if (e == ERR_EXISTS && (span_eq(name, m->from) || is_below(name, m->from)))
            e = ERR_OK; /* moves away itself */
    }
    return e;
}

static enum err move_one(struct move *m, size_t i, struct fault *f)
{
    struct mailbox_row row;
    struct schema_key k;
    char id[8];
    enum err e = named_row(m->t, m->list[i].id, &row, f);
    if (e != ERR_OK)
        return e;
    struct span key = schema_name_key(&k, m->account, move_name(m, i, m->to));
    row.box.name = span_from(key, 8);
    e = txn_new_uidvalidity(m->t, &row.box.uidvalidity, f);
    if (e == ERR_OK)
        e = table_put(m->t, TABLE_NAME, key, schema_number_value(id, row.box.id), f);
    if (e == ERR_OK)
        e = mailbox_row_put(m->t, &row, true, f);
    if (e == ERR_OK)
        e = changes_record_about(m->t, m->account, row.box.id, CHANGE_BOX_NAMED,
                                 is_led(m, i) ? SPAN("") : move_name(m, i, m->from), f);
    mailbox_row_end(&row);
    return e;
}

static enum err move_all(struct move *m, struct fault *f)
{
    enum err e = move_collect(m, f);
    if (e == ERR_OK)
        e = move_check(m, f);
    if (e == ERR_OK)
        e = fits_quota(m->t, m->account, m->to, 0, f);
    if (e == ERR_OK)
        e = make_superiors(m->t, m->account, m->to, f);
    for (size_t i = 0; i < m->n && e == ERR_OK; i++) {
        struct mailbox b = {.id = m->list[i].id, .account = m->account};
        e = drop_name(m->t, &b, move_name(m, i, m->from), f);
    }
    for (size_t i = 0; i < m->n && e == ERR_OK; i++)
        e = move_one(m, i, f);
    return e;
}

/* RFC 9051 §6.3.6: what is below INBOX stays where it is. */
static enum err rename_inbox(struct txn *t, uint64_t account, struct span to, struct fault *f)
{
    uint64_t inbox, id = 0;
    enum err e = find_id(t, account, INBOX, &inbox, f);
    if (e == ERR_OK)
        e = mailbox_create(t, account, to, 0, &id, f);
    if (e == ERR_OK)
        e = metadata_copy(t, inbox, id, f);
    return e == ERR_OK ? msg_move(t, inbox, NULL, id, NULL, NULL, f) : e;
}

enum err mailbox_rename(struct txn *t, uint64_t account, struct span from, struct span to,
                        struct fault *f)
{
    enum err e = mailbox_name_check(to, &to, f);
    if (e != ERR_OK)
        return e;
    if (span_eq_ci(from, INBOX))
        return rename_inbox(t, account, to, f);
    if (from.n == 0 || from.n > MAILBOX_NAME_BYTES)
        return fault_set(f, ERR_NOTFOUND, "no such mailbox");
    struct arena *a = arena_new();
    struct schema_key old, new;
    struct move m = {.t = t, .account = account, .a = a};
    m.from = span_from(schema_name_key(&old, account, from), 8);
    m.to = span_from(schema_name_key(&new, account, to), 8);
    uint64_t id;
    if (is_below(m.to, m.from))
        e = fault_set(f, ERR_INVALID, "a mailbox cannot move into itself");
    else if (span_eq(m.to, m.from) && find_id(t, account, to, &id, f) == ERR_OK)
        e = fault_set(f, ERR_EXISTS, "mailbox exists");
    else
        e = move_all(&m, f);
    mem_free(m.list);
    arena_free(&a);
    return e;
}

/* --- subscriptions --- */

enum err mailbox_subscribe(struct txn *t, uint64_t account, struct span name, bool on,
                           struct fault *f)
{
    struct schema_key k;
    bool is;
    enum err e = on ? mailbox_name_check(name, &name, f) : ERR_OK;
    if (e == ERR_OK)
        e = mailbox_subscribed(t, account, name, &is, f);
    if (e != ERR_OK || is == on)
        return e;
    struct span key = schema_name_key(&k, account, name);
    e = on ? table_put(t, TABLE_SUBSCRIPTION, key, SPAN(""), f)
           : table_drop(t, TABLE_SUBSCRIPTION, key, f);
    return e == ERR_OK ? changes_record_about(t, account, 0, CHANGE_SUBSCRIPTION, name, f) : e;
}

enum err mailbox_subscribed(struct txn *t, uint64_t account, struct span name, bool *out,
                            struct fault *f)
{
    struct schema_key k;
    struct buf none;
    *out = false;
    if (name.n == 0 || name.n > MAILBOX_NAME_BYTES)
        return ERR_OK;
    buf_init(&none, 1);
    enum err e = table_get(t, TABLE_SUBSCRIPTION, schema_name_key(&k, account, name), &none, f);
    buf_fini(&none);
    *out = e == ERR_OK;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err mailbox_each_subscription(struct txn *t, uint64_t account, struct span from,
                                   bool (*fn)(void *arg, struct span name), void *arg,
                                   struct fault *f)
{
    struct schema_key start, k;
    struct span key, value, mine = schema_id_key(&k, account);
    struct table_walk w;
    table_walk(&w, t, TABLE_SUBSCRIPTION,
               schema_name_key(&start, account, span_to(from, MAILBOX_NAME_BYTES)), true);
    while (table_walk_next(&w, &key, &value) && schema_has_prefix(key, mine)) {
        if (!fn(arg, span_from(key, 8)))
            break;
    }
    return table_walk_end(&w, f);
}

/* --- */

enum err mailbox_recent_seen(struct txn *t, uint64_t id, uint32_t uidnext, struct fault *f)
{
    struct mailbox_row row;
    enum err e = mailbox_row_get(t, id, &row, f);
    if (e != ERR_OK)
        return e;
    if (uidnext > row.box.uidnext)
        uidnext = row.box.uidnext;
    if (row.box.recent_from < uidnext) {
        row.box.recent_from = uidnext;
        e = mailbox_row_put(t, &row, false, f);
    }
    mailbox_row_end(&row);
    return e;
}
