#include "common/clock.h"
#include "common/mem.h"
#include "store/acl.h"
#include "store/blob.h"
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/msg.h"
#include "store/quota.h"
#include "store/schema.h"
#include "store/thread.h"

#include <inttypes.h>

#define COPY_UNMAPPED UINT16_MAX

struct copy {
    struct txn *t;
    struct mailbox_row from, to_row;
    struct mailbox_row *to; /* to_row, or from where both are one mailbox */
    bool move;
    bool abroad; /* to another account */
    struct acl_flags may;
    struct arena *a;
    struct span *names;     /* keywords of from; NULL until needed */
    struct flags_book book; /* of to, likewise */
    uint16_t *map;          /* bit in from to bit in to, or COPY_UNMAPPED */
    uint64_t keep;          /* a body some references of which are still to be counted */
    uint32_t keep_more;
    int64_t now;
    struct uidset *gone, *made;
};

/* --- keywords keep their names, not their bits --- */

static enum err map_start(struct copy *c, struct fault *f)
{
    size_t n;
    enum err e = flags_keywords(c->t, c->a, c->from.box.id, &c->names, &n, f);
    if (e == ERR_OK)
        e = flags_book(&c->book, c->t, c->a, &c->to->box, f);
    if (e != ERR_OK)
        return e;
    c->map = arena_alloc(c->a, n * sizeof *c->map);
    for (size_t i = 0; i < n; i++)
        c->map[i] = COPY_UNMAPPED;
    return ERR_OK;
}

/* Makes keywords those of the target; bits has room for SCHEMA_KEYWORDS_BYTES. */
static enum err map_keywords(struct copy *c, struct span *keywords, char *bits, struct fault *f)
{
    if (!c->may.keywords)
        *keywords = SPAN("");
    if (keywords->n == 0 || c->to == &c->from)
        return ERR_OK;
    enum err e = c->map ? ERR_OK : map_start(c, f);
    size_t used = 0;
    memset(bits, 0, SCHEMA_KEYWORDS_BYTES);
    for (size_t i = 0; i < c->from.box.keyword_count && e == ERR_OK; i++) {
        if (!flags_bit(*keywords, i))
            continue;
        if (c->map[i] == COPY_UNMAPPED)
            e = flags_book_bit(&c->book, c->t, c->names[i], &c->map[i], f);
        if (e != ERR_OK)
            break;
        size_t at = c->map[i] / 8;
        bits[at] = (char)(bits[at] | 1 << c->map[i] % 8);
        used = at + 1 > used ? at + 1 : used;
    }
    *keywords = span_of(bits, used);
    return e;
}

/* --- rows --- */

static enum err keep_flush(struct copy *c, struct fault *f)
{
    enum err e = c->keep_more ? blob_keep(c->t, c->keep, c->keep_more, f) : ERR_OK;
    c->keep_more = 0;
    return e;
}

/* One reference more, together with those of the copies before it that are of the same body. */
static enum err keep_add(struct copy *c, uint64_t blob, struct fault *f)
{
    enum err e = blob != c->keep ? keep_flush(c, f) : ERR_OK;
    c->keep = blob;
    c->keep_more++;
    return e;
}

static enum err leave(struct copy *c, const struct msg *m, struct fault *f)
{
    struct schema_key k;
    mailbox_row_count(&c->from, m, false);
    return table_drop(c->t, TABLE_MSG, schema_msg_key(&k, c->from.box.id, m->uid), f);
}

static enum err copy_one(struct copy *c, const struct msg *m, struct fault *f)
{
    struct mailbox *to = &c->to->box;
    struct msg made = *m;
    char bits[SCHEMA_KEYWORDS_BYTES];
    if (to->uidnext == UINT32_MAX)
        return fault_set(f, ERR_LIMIT, "mailbox %" PRIu64 " is out of UIDs", to->id);
    enum err e = map_keywords(c, &made.keywords, bits, f);
    if (e == ERR_OK)
        e = c->move ? leave(c, m, f) : keep_add(c, m->blob, f);
    if (e != ERR_OK)
        return e;
    if (c->abroad) /* threads are an account's own */
        e = thread_find(c->t, to->account, m->blob, &made.thread, f);
    if (e != ERR_OK)
        return e;
    made.uid = to->uidnext++;
    made.flags &= c->may.system; /* RFC 4314 §4 */
    made.modseq = txn_modseq(c->t);
    made.saved = c->now;
    uidset_add(c->gone, m->uid, m->uid);
    uidset_add(c->made, made.uid, made.uid);
    mailbox_row_count(c->to, &made, true);
    struct schema_key k;
    struct schema_msg value;
    return table_put(c->t, TABLE_MSG, schema_msg_key(&k, to->id, made.uid),
                     schema_msg(&value, &made), f);
}

static enum err copy_all(struct copy *c, const struct uidset *uids, struct fault *f)
{
    struct msg_pick p;
    struct msg m;
    enum err e = ERR_OK;
    msg_pick(&p, c->t, c->from.box.id, uids, c->from.box.uidnext); /* not what is being made */
    while (e == ERR_OK && msg_pick_next(&p, &m))
        e = copy_one(c, &m, f);
    enum err end = msg_pick_end(&p, e == ERR_OK ? f : NULL);
    e = e == ERR_OK ? end : e;
    return e == ERR_OK ? keep_flush(c, f) : e;
}

/* The rows of the mailboxes and the log. */
static enum err copy_tell(struct copy *c, struct fault *f)
{
    const struct mailbox *from = &c->from.box, *to = &c->to->box;
    if (uidset_empty(c->made))
        return ERR_OK;
    enum err e = mailbox_row_put(c->t, c->to, true, f);
    if (e == ERR_OK && c->move && c->to != &c->from)
        e = mailbox_row_put(c->t, &c->from, true, f);
    if (e == ERR_OK && c->move)
        e = changes_record(c->t, from->account, from->id, CHANGE_REMOVED, c->gone, f);
    if (e == ERR_OK)
        e = changes_record(c->t, to->account, to->id, CHANGE_ADDED, c->made, f);
    return e;
}

static enum err copy_begin(struct copy *c, uint64_t from, uint64_t to, struct fault *f)
{
    enum err e = mailbox_row_get(c->t, from, &c->from, f);
    if (e != ERR_OK)
        return e;
    c->to = from == to ? &c->from : &c->to_row;
    if (from != to)
        e = mailbox_row_get(c->t, to, &c->to_row, f);
    if (e != ERR_OK) {
        mailbox_row_end(&c->from);
        return e;
    }
    c->abroad = c->to->box.account != c->from.box.account;
    return ERR_OK;
}

/* What the quota of the account allows that gets them; the whole mailbox first, which costs nothing to ask. */
static enum err fits(struct copy *c, const struct uidset *uids, struct fault *f)
{
    const struct mailbox *from = &c->from.box;
    struct quota_amount more = {from->bytes, from->messages, 0};
    struct msg_pick p;
    struct msg m;
    enum err e = quota_allows(c->t, c->to->box.account, &more, f);
    if (e != ERR_QUOTA)
        return e;
    more = (struct quota_amount){0, 0, 0};
    msg_pick(&p, c->t, from->id, uids, from->uidnext);
    while (msg_pick_next(&p, &m)) {
        more.bytes += m.bytes;
        more.messages++;
    }
    e = msg_pick_end(&p, f);
    return e == ERR_OK ? quota_allows(c->t, c->to->box.account, &more, f) : e;
}

/* What leaves an account is still in its bin: its owner may want it back. */
static enum err leave_behind(struct copy *c, struct fault *f)
{
    struct uidset copied = {0};
    uidset_copy(&copied, c->gone);
    enum err e = msg_expunge(c->t, c->from.box.id, &copied, false, NULL, f);
    uidset_fini(&copied);
    return e;
}

enum err msg_copy_rows(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                       bool move, struct uidset *from_out, struct uidset *to_out, struct fault *f)
{
    struct uidset gone = {0}, made = {0};
    struct copy c = {.t = t, .now = clock_wall()};
    c.gone = from_out ? from_out : &gone;
    c.made = to_out ? to_out : &made;
    uidset_clear(c.gone);
    uidset_clear(c.made);
    enum err e = copy_begin(&c, from, to, f);
    if (e != ERR_OK)
        return e;
    c.move = move && !c.abroad;
    c.a = arena_new();
    e = c.move ? ERR_OK : fits(&c, uids, f);
    if (e == ERR_OK)
        e = acl_flags(t, &c.to->box, &c.may, f);
    if (e == ERR_OK)
        e = copy_all(&c, uids, f);
    if (e == ERR_OK)
        e = copy_tell(&c, f);
    if (e == ERR_OK && move && c.abroad)
        e = leave_behind(&c, f);
    arena_free(&c.a);
    if (c.to != &c.from)
        mailbox_row_end(c.to);
    mailbox_row_end(&c.from);
    uidset_fini(&gone);
    uidset_fini(&made);
    return e;
}

enum err msg_copy(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                  struct uidset *from_out, struct uidset *to_out, struct fault *f)
{
    return msg_copy_rows(t, from, uids, to, false, from_out, to_out, f);
}
