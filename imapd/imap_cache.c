#include "imapd/imap_cache.h"

#include "common/mem.h"
#include "store/changes.h"
#include "store/committer.h"
#include "store/glance.h"
#include "store/msg.h"

#define IMAP_CACHE_COUNT 512
#define IMAP_CACHE_KEEP_COUNT 2000       /* rows whose reading again a kept copy saves */
#define IMAP_CACHE_BOX_RANGES (1u << 20) /* of one mailbox's flags: 8 MiB */
#define IMAP_CACHE_RANGES (8u << 20)     /* of all of them */

void imap_cache_init(struct imap_cache *c)
{
    c->boxes = map_new();
    list_init(&c->used);
}

static struct span imap_cache_key(const uint64_t *mailbox)
{
    return span_of(mailbox, sizeof *mailbox);
}

void imap_cache_flags(struct imap_cache *c, struct imap_cache_box *box, struct imap_flagset *flags)
{
    if (box->flags != flags)
        imap_flagset_free(&box->flags);
    c->ranges -= box->ranges;
    box->flags = flags;
    box->ranges = flags ? imap_flagset_ranges(flags) : 0;
    if (box->ranges > IMAP_CACHE_BOX_RANGES) {
        imap_flagset_free(&box->flags);
        box->ranges = 0;
    }
    c->ranges += box->ranges;
    if (!flags || c->ranges <= IMAP_CACHE_RANGES)
        return;
    list_each (n, &c->used) {
        struct imap_cache_box *other = list_entry(n, struct imap_cache_box, node);
        if (other != box && other->flags && c->ranges > IMAP_CACHE_RANGES)
            imap_cache_flags(c, other, NULL);
    }
}

static void imap_cache_drop(struct imap_cache *c, struct imap_cache_box *b)
{
    map_take(c->boxes, imap_cache_key(&b->mailbox));
    list_drop(&b->node);
    imap_cache_flags(c, b, NULL);
    uidset_fini(&b->uids);
    mem_free(b);
}

void imap_cache_fini(struct imap_cache *c)
{
    list_each (n, &c->used)
        imap_cache_drop(c, list_entry(n, struct imap_cache_box, node));
    map_free(&c->boxes);
}

static struct imap_cache_box *imap_cache_entry(struct imap_cache *c, uint64_t mailbox)
{
    struct imap_cache_box *b = map_get(c->boxes, imap_cache_key(&mailbox));
    if (!b) {
        if (map_count(c->boxes) >= IMAP_CACHE_COUNT)
            imap_cache_drop(c, list_entry(c->used.next, struct imap_cache_box, node));
        b = mem_new(struct imap_cache_box);
        b->mailbox = mailbox;
        list_init(&b->node);
        map_put(c->boxes, imap_cache_key(&mailbox), b);
    }
    list_drop(&b->node);
    list_add(&c->used, &b->node);
    return b;
}

/* All rows: the UIDs and the first that is not \Seen in one pass. */
static enum err imap_cache_read(struct imap_cache_box *b, struct txn *t, struct fault *f)
{
    struct msg_walk w;
    struct msg m;
    uidset_clear(&b->uids);
    b->first_unseen = 0;
    msg_walk(&w, t, b->mailbox, 1, false);
    while (msg_walk_next(&w, &m)) {
        uidset_add(&b->uids, m.uid, m.uid);
        b->unkept++;
        if (!b->first_unseen && !(m.flags & FLAGS_SEEN))
            b->first_unseen = m.uid;
    }
    return msg_walk_end(&w, f);
}

struct imap_cache_news {
    struct imap_cache_box *box;
    uint32_t touched; /* smallest UID that came or whose flags changed; 0: none */
};

static void imap_cache_change(void *arg, const struct change *change, const struct uidset *uids)
{
    struct imap_cache_news *news = arg;
    news->box->unkept++;
    if (!uids || uidset_empty(uids))
        return;
    if (change->kind == CHANGE_REMOVED) {
        uidset_remove_set(&news->box->uids, uids);
        return;
    }
    if (change->kind == CHANGE_ADDED)
        uidset_add_set(&news->box->uids, uids);
    else if (change->kind != CHANGE_FLAGS)
        return;
    if (!news->touched || uidset_first(uids) < news->touched)
        news->touched = uidset_first(uids);
}

/* Everything below both the old first and the first that was touched was \Seen and still is. */
static enum err imap_cache_unseen(struct imap_cache_box *b, struct txn *t, uint32_t touched,
                                  struct fault *f)
{
    uint32_t from = b->first_unseen;
    if (!from || (touched && touched < from))
        from = touched;
    b->first_unseen = 0;
    if (!from)
        return ERR_OK;
    struct msg_walk w;
    struct msg m;
    msg_walk(&w, t, b->mailbox, from, true);
    while (!b->first_unseen && msg_walk_next(&w, &m)) {
        if (!(m.flags & FLAGS_SEEN))
            b->first_unseen = m.uid;
    }
    return msg_walk_end(&w, f);
}

/* After a restart: what was kept before. */
static enum err imap_cache_recall(struct imap_cache_box *b, struct txn *t, struct fault *f)
{
    struct glance g;
    enum err e = glance_get(t, b->mailbox, &g, f);
    if (e != ERR_OK)
        return e == ERR_NOTFOUND ? ERR_OK : e;
    uidset_fini(&b->uids);
    b->uids = g.uids;
    b->first_unseen = g.first_unseen;
    b->modseq = g.modseq;
    return ERR_OK;
}

struct imap_cache_kept {
    struct store_op op;
    uint64_t mailbox;
    struct glance glance;
};

static enum err imap_cache_kept_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cache_kept *k = list_entry(op, struct imap_cache_kept, op);
    return glance_put(t, k->mailbox, &k->glance, f);
}

static void imap_cache_kept_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct imap_cache_kept *k = list_entry(op, struct imap_cache_kept, op);
    (void)e; /* a hint: the next walk makes it again */
    (void)f;
    uidset_fini(&k->glance.uids);
    mem_free(k);
}

void imap_cache_keep(struct imap_cache_box *box, struct store *st, struct post *home)
{
    if (box->unkept < IMAP_CACHE_KEEP_COUNT)
        return;
    box->unkept = 0;
    struct imap_cache_kept *k = mem_new(struct imap_cache_kept);
    k->op = (struct store_op){
        .apply = imap_cache_kept_apply, .done = imap_cache_kept_done, .home = home};
    k->mailbox = box->mailbox;
    k->glance.modseq = box->modseq;
    k->glance.first_unseen = box->first_unseen;
    uidset_copy(&k->glance.uids, &box->uids);
    committer_submit(st, &k->op);
}

void imap_cache_recent_told(struct imap_cache *c, uint64_t mailbox, uint32_t uid)
{
    struct imap_cache_box *b = map_get(c->boxes, imap_cache_key(&mailbox));
    if (b && b->recent_from < uid)
        b->recent_from = uid;
}

enum err imap_cache_look(struct imap_cache *c, struct txn *t, const struct mailbox *box,
                         struct imap_cache_box **out, struct fault *f)
{
    struct imap_cache_box *b = imap_cache_entry(c, box->id);
    enum err e = ERR_LIMIT;
    if (b->recent_from < box->recent_from)
        b->recent_from = box->recent_from;
    if (b->modseq == box->highestmodseq && uidset_count(&b->uids) == box->messages) {
        *out = b;
        return ERR_OK;
    }
    if (!b->modseq && box->messages >= IMAP_CACHE_KEEP_COUNT) {
        e = imap_cache_recall(b, t, f);
        if (e != ERR_OK)
            return e;
        e = ERR_LIMIT;
    }
    if (b->modseq) {
        struct imap_cache_news news = {.box = b};
        e = changes_since(t, box->account, box->id, b->modseq, imap_cache_change, &news, f);
        if (e == ERR_OK && uidset_count(&b->uids) == box->messages)
            e = imap_cache_unseen(b, t, news.touched, f);
        else
            e = ERR_LIMIT;
    }
    if (e == ERR_LIMIT)
        e = imap_cache_read(b, t, f);
    if (e != ERR_OK) {
        imap_cache_drop(c, b);
        return e;
    }
    b->modseq = box->highestmodseq;
    *out = b;
    return ERR_OK;
}
