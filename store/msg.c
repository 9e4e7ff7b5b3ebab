#include "store/msg.h"
#include "common/clock.h"
#include "store/acl.h"
#include "store/bin.h"
#include "store/blob.h"
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/schema.h"
#include "store/thread.h"

#include <inttypes.h>

/* A gap of more UIDs than this is jumped over by a new look-up, not walked through: about as many
 * rows as cost the same. */
#define MSG_FEW_COUNT 64
#define MSG_GAP_FEW 64
#define MSG_GAP_MANY 2048

static enum err damaged(uint64_t mailbox, uint32_t uid, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "message %" PRIu32 " of mailbox %" PRIu64 ": damaged row", uid,
                     mailbox);
}

/* --- reading --- */

enum err msg_get(struct txn *t, struct arena *a, uint64_t mailbox, uint32_t uid, struct msg *out,
                 struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, SCHEMA_MSG_BYTES + SCHEMA_KEYWORDS_BYTES);
    enum err e = table_get(t, TABLE_MSG, schema_msg_key(&k, mailbox, uid), &row, f);
    if (e == ERR_NOTFOUND)
        (void)fault_set(f, e, "no such message");
    else if (e == ERR_LIMIT || (e == ERR_OK && !schema_msg_of(buf_span(&row), out)))
        e = damaged(mailbox, uid, f);
    if (e == ERR_OK) {
        out->uid = uid;
        out->keywords = arena_keep(a, out->keywords);
    }
    buf_fini(&row);
    return e;
}

void msg_walk(struct msg_walk *w, struct txn *t, uint64_t mailbox, uint32_t from_uid, bool few)
{
    struct schema_key k;
    w->mailbox = mailbox;
    table_walk(&w->walk, t, TABLE_MSG, schema_msg_key(&k, mailbox, from_uid), few);
}

bool msg_walk_next(struct msg_walk *w, struct msg *out)
{
    struct span key, value;
    uint64_t mailbox;
    uint32_t uid;
    if (!table_walk_next(&w->walk, &key, &value))
        return false;
    bool good = schema_pair_of(key, &mailbox, &uid);
    if (good && mailbox != w->mailbox)
        return false;
    if (!good || !schema_msg_of(value, out)) {
        w->walk.ended = true;
        w->walk.fault.kind = damaged(w->mailbox, good ? uid : 0, &w->walk.fault);
        return false;
    }
    out->uid = uid;
    return true;
}

enum err msg_walk_end(struct msg_walk *w, struct fault *f)
{
    return table_walk_end(&w->walk, f);
}

enum err msg_uids(struct txn *t, uint64_t mailbox, struct uidset *out, struct fault *f)
{
    struct msg_walk w;
    struct msg m;
    uidset_clear(out);
    msg_walk(&w, t, mailbox, 1, false);
    while (msg_walk_next(&w, &m))
        uidset_add(out, m.uid, m.uid);
    return msg_walk_end(&w, f);
}

void msg_pick(struct msg_pick *p, struct txn *t, uint64_t mailbox, const struct uidset *uids,
              uint32_t below)
{
    *p = (struct msg_pick){.uids = uids, .below = below, .fault = FAULT_NONE};
    p->few = uids && uidset_count(uids) <= MSG_FEW_COUNT;
    p->over = uids && uidset_empty(uids);
    msg_walk(&p->walk, t, mailbox, uids ? uidset_first(uids) : 1, p->few);
}

/* Goes on at that UID. */
static void pick_jump(struct msg_pick *p, uint32_t uid)
{
    struct txn *t = p->walk.walk.t;
    uint64_t mailbox = p->walk.mailbox;
    p->over = msg_walk_end(&p->walk, &p->fault) != ERR_OK;
    msg_walk(&p->walk, t, mailbox, uid, p->few);
}

bool msg_pick_next(struct msg_pick *p, struct msg *out)
{
    while (!p->over && msg_walk_next(&p->walk, out)) {
        if (out->uid >= p->below)
            break;
        if (!p->uids)
            return true;
        while (p->at < p->uids->n && p->uids->ranges[p->at].last < out->uid)
            p->at++;
        if (p->at == p->uids->n)
            break;
        uint32_t first = p->uids->ranges[p->at].first;
        if (first <= out->uid)
            return true;
        if (first - out->uid > (p->few ? MSG_GAP_FEW : MSG_GAP_MANY))
            pick_jump(p, first);
    }
    p->over = true;
    return false;
}

enum err msg_pick_end(struct msg_pick *p, struct fault *f)
{
    enum err e = msg_walk_end(&p->walk, f);
    if (p->fault.kind != ERR_OK)
        e = fault_set(f, p->fault.kind, "%s", p->fault.text);
    return e;
}

/* --- making --- */

static enum err append_row(struct txn *t, struct mailbox_row *row, const struct msg_new *m,
                           uint32_t may_flags, struct span keywords, struct fault *f)
{
    struct mailbox *b = &row->box;
    if (b->uidnext == UINT32_MAX)
        return fault_set(f, ERR_LIMIT, "mailbox %" PRIu64 " is out of UIDs", b->id);
    struct msg made = {
        .uid = b->uidnext,
        .flags = m->flags.system & may_flags,
        .keywords = keywords,
        .modseq = txn_modseq(t),
        .internal = m->internal,
        .saved = clock_wall(),
        .bytes = m->bytes,
        .blob = m->blob,
        .thread = m->thread,
    };
    struct schema_key k;
    struct schema_msg value;
    enum err e = made.thread == 0 ? thread_find(t, b->account, m->blob, &made.thread, f) : ERR_OK;
    if (e == ERR_OK)
        e = table_put(t, TABLE_MSG, schema_msg_key(&k, b->id, made.uid), schema_msg(&value, &made),
                      f);
    b->uidnext++;
    mailbox_row_count(row, &made, true);
    return e;
}

static enum err append_one(struct txn *t, struct mailbox_row *row, const struct msg_new *m,
                           const struct acl_flags *may, struct fault *f)
{
    struct span keywords = SPAN("");
    enum err e = ERR_OK;
    struct arena *a = may->keywords && m->flags.keyword_count > 0 ? arena_new() : NULL;
    if (a)
        e = flags_row_bitmap(t, a, &row->box, m->flags.keywords, m->flags.keyword_count, true,
                             &keywords, f);
    if (e == ERR_OK)
        e = append_row(t, row, m, may->system, keywords, f);
    arena_free(&a);
    return e;
}

enum err msg_append_all(struct txn *t, uint64_t mailbox, size_t n, msg_next_fn *next, void *arg,
                        uint32_t *first_uid_out, struct fault *f)
{
    struct mailbox_row row;
    struct acl_flags may;
    enum err e = mailbox_row_get(t, mailbox, &row, f);
    if (e != ERR_OK)
        return e;
    uint32_t first = row.box.uidnext;
    e = acl_flags(t, &row.box, &may, f); /* of the flags only what the actor may set: RFC 4314 §4 */
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        struct msg_new m;
        e = next(t, arg, i, &m, f);
        if (e == ERR_OK)
            e = append_one(t, &row, &m, &may, f);
    }
    if (e == ERR_OK)
        e = mailbox_row_put(t, &row, true, f);
    struct uidset_range r = {first, row.box.uidnext - 1};
    struct uidset made = {.ranges = &r, .n = 1, .cap = 1};
    if (e == ERR_OK && n > 0)
        e = changes_record(t, row.box.account, row.box.id, CHANGE_ADDED, &made, f);
    mailbox_row_end(&row);
    if (e == ERR_OK && first_uid_out)
        *first_uid_out = first;
    return e;
}

static enum err append_this(struct txn *t, void *arg, size_t i, struct msg_new *out,
                            struct fault *f)
{
    (void)t, (void)i, (void)f; /* one message, which is there */
    *out = *(const struct msg_new *)arg;
    return ERR_OK;
}

enum err msg_append(struct txn *t, uint64_t mailbox, const struct msg_new *m, uint32_t *uid_out,
                    struct fault *f)
{
    return msg_append_all(t, mailbox, 1, append_this, (void *)(uintptr_t)m, uid_out, f);
}

enum err msg_move(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                  struct uidset *from_out, struct uidset *to_out, struct fault *f)
{
    return msg_copy_rows(t, from, uids, to, true, from_out, to_out, f);
}

/* --- taking away --- */

/* What an expunge knows of its mailbox. */
struct expunge {
    struct txn *t;
    struct mailbox_row *row;
    struct arena *a;
    struct span *names, *chosen; /* keywords: of the mailbox, of one message; NULL until needed */
    size_t name_count;
    int64_t now;
};

static enum err name_keywords(struct expunge *x, struct bin_item *item, struct fault *f)
{
    if (item->msg.keywords.n == 0)
        return ERR_OK;
    if (!x->names) {
        enum err e = flags_keywords(x->t, x->a, x->row->box.id, &x->names, &x->name_count, f);
        if (e != ERR_OK)
            return e;
        x->chosen = arena_alloc(x->a, x->name_count * sizeof *x->chosen);
    }
    for (size_t i = 0; i < x->name_count; i++) {
        if (flags_bit(item->msg.keywords, i))
            x->chosen[item->keyword_count++] = x->names[i];
    }
    item->keywords = x->chosen;
    return ERR_OK;
}

static enum err drop_msg(struct txn *t, struct mailbox_row *row, const struct msg *m,
                         struct fault *f)
{
    struct schema_key k;
    mailbox_row_count(row, m, false);
    return table_drop(t, TABLE_MSG, schema_msg_key(&k, row->box.id, m->uid), f);
}

static enum err expunge_one(struct expunge *x, const struct msg *m, struct fault *f)
{
    struct bin_item item = {
        .account = x->row->box.account,
        .mailbox = x->row->box.id,
        .name = x->row->box.name,
        .when = x->now,
        .msg = *m,
    };
    enum err e = name_keywords(x, &item, f);
    if (e == ERR_OK)
        e = bin_add(x->t, &item, f);
    return e == ERR_OK ? drop_msg(x->t, x->row, m, f) : e;
}

/* Puts the row of a mailbox that has lost messages. */
static enum err tell_gone(struct txn *t, struct mailbox_row *row, const struct uidset *gone,
                          struct fault *f)
{
    if (uidset_empty(gone))
        return ERR_OK;
    enum err e = mailbox_row_put(t, row, true, f);
    return e == ERR_OK ? changes_record(t, row->box.account, row->box.id, CHANGE_REMOVED, gone, f)
                       : e;
}

static enum err expunge_all(struct expunge *x, const struct uidset *uids, bool only_deleted,
                            struct uidset *gone, struct fault *f)
{
    struct msg_pick p;
    struct msg m;
    enum err e = ERR_OK;
    msg_pick(&p, x->t, x->row->box.id, uids, UINT32_MAX);
    while (e == ERR_OK && msg_pick_next(&p, &m)) {
        if (only_deleted && !(m.flags & FLAGS_DELETED))
            continue;
        e = expunge_one(x, &m, f);
        uidset_add(gone, m.uid, m.uid);
    }
    enum err end = msg_pick_end(&p, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

enum err msg_expunge(struct txn *t, uint64_t mailbox, const struct uidset *uids, bool only_deleted,
                     struct uidset *gone_out, struct fault *f)
{
    struct mailbox_row row;
    struct uidset own = {0}, *gone = gone_out ? gone_out : &own;
    uidset_clear(gone);
    enum err e = mailbox_row_get(t, mailbox, &row, f);
    if (e != ERR_OK)
        return e;
    struct expunge x = {.t = t, .row = &row, .a = arena_new(), .now = clock_wall()};
    e = expunge_all(&x, uids, only_deleted, gone, f);
    if (e == ERR_OK)
        e = tell_gone(t, &row, gone, f);
    arena_free(&x.a);
    uidset_fini(&own);
    mailbox_row_end(&row);
    return e;
}

enum err msg_purge(struct txn *t, uint64_t mailbox, unsigned max, unsigned *gone_out,
                   struct fault *f)
{
    struct mailbox_row row;
    struct msg_walk w;
    struct msg m;
    struct uidset gone = {0};
    *gone_out = 0;
    enum err e = mailbox_row_get(t, mailbox, &row, f);
    if (e != ERR_OK)
        return e;
    msg_walk(&w, t, mailbox, 1, max <= MSG_FEW_COUNT);
    for (; e == ERR_OK && *gone_out < max && msg_walk_next(&w, &m); ++*gone_out) {
        uidset_add(&gone, m.uid, m.uid);
        e = drop_msg(t, &row, &m, f);
        if (e == ERR_OK)
            e = blob_drop(t, m.blob, f);
    }
    enum err end = msg_walk_end(&w, e == ERR_OK ? f : NULL);
    e = e == ERR_OK ? end : e;
    if (e == ERR_OK)
        e = tell_gone(t, &row, &gone, f);
    uidset_fini(&gone);
    mailbox_row_end(&row);
    return e;
}
