#include "store/changes.h"
#include "common/clock.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/expiry.h"
#include "store/schema.h"
#include "store/state.h"

#include <inttypes.h>
#include <pthread.h>

/* --- watchers: each home has its own, touched by that home's thread alone --- */

/* Which homes watch an account that is at home elsewhere. */
struct abroad {
    unsigned total;
    bool homes[];
};

struct changes_hubs {
    pthread_mutex_t lock;
    struct map *abroad; /* account to struct abroad, under the lock */
    unsigned n;
    struct map *homes[]; /* account to struct watched */
};

/* The watchers of one account at one home. */
struct watched {
    struct changes_hubs *hubs;
    unsigned home;
    bool foreign; /* the account is at home elsewhere */
    uint64_t account;
    struct list_node list;
    bool busy; /* is being walked: it may become empty, and goes after the walk */
};

static struct span account_span(const uint64_t *account)
{
    return span_of(account, sizeof *account);
}

struct changes_hubs *changes_hubs_new(unsigned homes)
{
    struct changes_hubs *h = mem_zalloc(sizeof *h + homes * sizeof(struct map *));
    must(pthread_mutex_init(&h->lock, NULL) == 0);
    h->abroad = map_new();
    h->n = homes;
    for (unsigned i = 0; i < homes; i++)
        h->homes[i] = map_new();
    return h;
}

void changes_hubs_free(struct changes_hubs **hubs)
{
    struct changes_hubs *h = *hubs;
    if (!h)
        return;
    must(map_count(h->abroad) == 0);
    map_free(&h->abroad);
    for (unsigned i = 0; i < h->n; i++) {
        must(map_count(h->homes[i]) == 0); /* whoever watches stops before the store closes */
        map_free(&h->homes[i]);
    }
    pthread_mutex_destroy(&h->lock);
    mem_free(h);
    *hubs = NULL;
}

/* That home begins to watch the account, or stops. */
static void abroad_set(struct changes_hubs *h, uint64_t account, unsigned home, bool on)
{
    pthread_mutex_lock(&h->lock);
    struct abroad *a = map_get(h->abroad, account_span(&account));
    if (!a) {
        a = mem_zalloc(sizeof *a + h->n * sizeof(bool));
        map_put(h->abroad, account_span(&account), a);
    }
    must(a->homes[home] != on);
    a->homes[home] = on;
    a->total = on ? a->total + 1 : a->total - 1;
    if (a->total == 0) {
        map_take(h->abroad, account_span(&account));
        mem_free(a);
    }
    pthread_mutex_unlock(&h->lock);
}

void changes_watch(struct store *st, struct changes_watch *w)
{
    struct changes_hubs *h = store_hubs(st);
    list_init(&w->node);
    if (!h)
        return;
    unsigned home = store_home(st, w->by ? w->by : w->account);
    struct watched *all = map_get(h->homes[home], account_span(&w->account));
    if (!all) {
        all = mem_new(struct watched);
        all->hubs = h;
        all->home = home;
        all->foreign = home != store_home(st, w->account);
        all->account = w->account;
        list_init(&all->list);
        map_put(h->homes[home], account_span(&w->account), all);
        if (all->foreign)
            abroad_set(h, w->account, home, true);
    }
    list_add(&all->list, &w->node);
}

static void watched_free_if_empty(struct watched *all)
{
    if (all->busy || !list_empty(&all->list))
        return;
    if (all->foreign)
        abroad_set(all->hubs, all->account, all->home, false);
    must(map_take(all->hubs->homes[all->home], account_span(&all->account)) == all);
    mem_free(all);
}

void changes_unwatch(struct changes_watch *w)
{
    struct list_node *next = w->node.next;
    if (!next || list_empty(&w->node))
        return;
    bool last = next == w->node.prev; /* then next is the list itself */
    list_drop(&w->node);
    if (last)
        watched_free_if_empty(list_entry(next, struct watched, list));
}

/* --- telling them --- */

struct changes_note {
    struct post_note note;
    struct store *store;
    unsigned home;        /* where it runs */
    struct change change; /* about lies behind */
    char about[];
};

static void note_run(struct post_note *note);

static struct changes_note *note_new(struct store *st, unsigned home, const struct change *c)
{
    struct changes_note *n = mem_zalloc(sizeof *n + c->about.n);
    n->note.run = note_run;
    n->store = st;
    n->home = home;
    n->change = *c;
    if (c->about.n)
        memcpy(n->about, c->about.p, c->about.n);
    n->change.about = span_of(n->about, c->about.n);
    return n;
}

/* From the account's home, so after the change can be seen, to the others that watch: one that begins to watch from now on sees it
 * in its first look. */
static void pass_on(struct changes_hubs *h, const struct changes_note *n)
{
    pthread_mutex_lock(&h->lock);
    const struct abroad *a = map_get(h->abroad, account_span(&n->change.account));
    for (unsigned i = 0; a && i < h->n; i++) {
        if (a->homes[i])
            post_send(n->store->homes[i], &note_new(n->store, i, &n->change)->note);
    }
    pthread_mutex_unlock(&h->lock);
}

static void note_run(struct post_note *note)
{
    struct changes_note *n = (struct changes_note *)(void *)note;
    struct changes_hubs *h = store_hubs(n->store);
    struct watched *all = map_get(h->homes[n->home], account_span(&n->change.account));
    if (all) {
        all->busy = true;
        list_each (node, &all->list) {
            struct changes_watch *w = list_entry(node, struct changes_watch, node);
            if (w->mailbox == 0 || w->mailbox == n->change.mailbox)
                w->note(w, &n->change);
        }
        all->busy = false;
        watched_free_if_empty(all);
    }
    if (n->home == store_home(n->store, n->change.account))
        pass_on(h, n);
    mem_free(n);
}

static void announce(struct txn *t, const struct change *c)
{
    struct store *st = txn_store(t);
    if (!store_hubs(st))
        return;
    unsigned home = store_home(st, c->account);
    txn_announce(t, home, &note_new(st, home, c)->note);
}

/* --- the log --- */

static enum err damaged(uint64_t account, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "account %" PRIu64 ": damaged change log", account);
}

/* The operation has recorded a change of that kind before: takes its UIDs in. */
static enum err merge(struct txn *t, struct span key, struct schema_change *c,
                      const struct uidset *uids, struct buf *row, struct fault *f)
{
    struct buf old;
    struct schema_change was;
    struct uidset all = {0};
    buf_init(&old, SIZE_MAX);
    enum err e = table_get(t, TABLE_CHANGES, key, &old, f);
    if (e == ERR_OK &&
        (!schema_change_of(key, buf_span(&old), &was) || !uidset_unpack(&all, was.packed)))
        e = damaged(c->change.account, f);
    if (e == ERR_OK && uids)
        uidset_add_set(&all, uids);
    if (e == ERR_OK) {
        schema_change(c, row);
        (void)uidset_pack(&all, row);
        e = table_put(t, TABLE_CHANGES, key, buf_span(row), f);
    }
    uidset_fini(&all);
    buf_fini(&old);
    return e;
}

static enum err record(struct txn *t, uint64_t account, uint64_t mailbox, enum change_kind kind,
                       const struct uidset *uids, struct span about, struct fault *f)
{
    struct schema_change c = {.change = {.account = account,
                                         .mailbox = mailbox,
                                         .modseq = txn_modseq(t),
                                         .kind = kind,
                                         .by = *txn_actor(t),
                                         .about = about},
                              .when = clock_wall()};
    struct schema_key k;
    struct span key = schema_change_key(&k, account, c.change.modseq, mailbox, kind);
    struct buf row;
    buf_init(&row, SIZE_MAX);
    schema_change(&c, &row);
    if (uids)
        (void)uidset_pack(uids, &row);
    enum err e = table_add(t, TABLE_CHANGES, key, buf_span(&row), f);
    if (e == ERR_EXISTS)
        e = merge(t, key, &c, uids, &row, f);
    buf_fini(&row);
    if (e == ERR_OK)
        announce(t, &c.change);
    return e;
}

enum err changes_record(struct txn *t, uint64_t account, uint64_t mailbox, enum change_kind kind,
                        const struct uidset *uids, struct fault *f)
{
    return record(t, account, mailbox, kind, uids, SPAN(""), f);
}

enum err changes_record_about(struct txn *t, uint64_t account, uint64_t mailbox,
                              enum change_kind kind, struct span about, struct fault *f)
{
    return record(t, account, mailbox, kind, NULL, about, f);
}

/* --- reading it --- */

/* 0: nothing has been forgotten. */
static enum err floor_get(struct txn *t, uint64_t account, uint64_t *floor, struct fault *f)
{
    struct schema_key k;
    *floor = 0;
    enum err e = table_get_u64(t, TABLE_META, schema_floor_key(&k, account), floor, f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* More rows than this are read ahead in bulk. */
#define CHANGES_FEW_COUNT 64

enum err changes_since_some(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t *since,
                            size_t max, bool *done, changes_fn *fn, void *arg, struct fault *f)
{
    uint64_t floor;
    *done = true;
    enum err e = floor_get(t, account, &floor, f);
    if (e != ERR_OK || *since == UINT64_MAX)
        return e;
    if (*since < floor)
        return fault_set(f, ERR_LIMIT,
                         "the change log of account %" PRIu64 " begins after MODSEQ %" PRIu64,
                         account, floor);
    struct schema_key from, prefix;
    struct span key, value, mine = schema_id_key(&prefix, account);
    struct schema_change c;
    struct table_walk w;
    struct uidset uids = {0};
    size_t n = 0;
    table_walk(&w, t, TABLE_CHANGES, schema_change_key(&from, account, *since + 1, 0, 0),
               max <= CHANGES_FEW_COUNT || max == SIZE_MAX);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && schema_has_prefix(key, mine)) {
        if (!schema_change_of(key, value, &c) || !uidset_unpack(&uids, c.packed)) {
            e = damaged(account, f);
            break;
        }
        *done = n++ < max || c.change.modseq == *since;
        if (!*done)
            break;
        *since = c.change.modseq;
        if (mailbox == 0 || mailbox == c.change.mailbox)
            fn(arg, &c.change, &uids);
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    uidset_fini(&uids);
    return e == ERR_OK ? end : e;
}

enum err changes_since(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t since,
                       changes_fn *fn, void *arg, struct fault *f)
{
    bool done;
    return changes_since_some(t, account, mailbox, &since, SIZE_MAX, &done, fn, arg, f);
}

/* --- forgetting --- */

struct expire {
    int64_t before;
    unsigned max, gone;
};

/* Drops the account's rows from the front; *floor becomes the last MODSEQ dropped, or stays. */
static enum err expire_rows(struct expire *x, struct txn *t, uint64_t account, bool *done,
                            uint64_t *floor, struct fault *f)
{
    struct schema_key k;
    struct span key, value, mine = schema_id_key(&k, account);
    struct schema_change c;
    struct table_walk w;
    enum err e = ERR_OK;
    *done = true;
    table_walk(&w, t, TABLE_CHANGES, mine, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && schema_has_prefix(key, mine)) {
        if (!schema_change_of(key, value, &c))
            e = damaged(account, f);
        else if (c.when < x->before)
            *done = x->gone < x->max;
        if (e != ERR_OK || c.when >= x->before || !*done)
            break;
        *floor = c.change.modseq;
        e = table_drop(t, TABLE_CHANGES, key, f);
        x->gone++;
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

static enum err expire_turn(void *arg, struct txn *t, uint64_t account, bool *done, struct fault *f)
{
    struct expire *x = arg;
    struct schema_key k;
    uint64_t floor = 0;
    enum err e = expire_rows(x, t, account, done, &floor, f);
    return e == ERR_OK && floor
               ? table_put_u64(t, TABLE_META, schema_floor_key(&k, account), floor, f)
               : e;
}

enum err changes_expire(struct txn *t, int64_t before, unsigned max, unsigned *gone_out,
                        struct fault *f)
{
    struct expire x = {.before = before, .max = max};
    enum err e = expiry_round(t, TABLE_CHANGES, SPAN("changes_next"), expire_turn, &x, f);
    *gone_out = x.gone;
    return e;
}

enum err changes_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                       struct fault *f)
{
    struct expire x = {.before = INT64_MAX, .max = max};
    struct schema_key k;
    bool done;
    enum err e = expire_turn(&x, t, account, &done, f);
    *gone_out = x.gone;
    if (e != ERR_OK || !done)
        return e;
    e = table_drop(t, TABLE_META, schema_floor_key(&k, account), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
