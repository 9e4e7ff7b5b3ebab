#include "store/blob_ids.h"
#include "common/log.h"
#include "common/mem.h"
#include "store/state.h"

#define BLOB_ID_COUNT (UINT64_C(1) << 20) /* ids reserved at a time */

struct blob_ids {
    atomic_uint_fast64_t next, high; /* next to give; the first that may not be given */
    atomic_bool asking;
};

struct blob_ids_reserve {
    struct store_op op;
    struct store *store;
    uint64_t next, high;
};

static enum err blob_ids_reserve_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct blob_ids_reserve *r = (struct blob_ids_reserve *)(void *)op;
    r->next = 1;
    enum err e = table_get_u64(t, TABLE_META, SPAN("blob_high"), &r->next, f);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        return e;
    r->high = r->next + BLOB_ID_COUNT;
    return table_put_u64(t, TABLE_META, SPAN("blob_high"), r->high, f);
}

static void blob_ids_reserve_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct blob_ids_reserve *r = (struct blob_ids_reserve *)(void *)op;
    struct blob_ids *ids = r->store->blob_ids;
    if (e == ERR_OK)
        atomic_store(&ids->high, r->high);
    else
        log_event(LOG_WARN, NULL, "store.ids_not_reserved", "error=%s text=\"%s\"", fault_name(e),
                  LOG_SPAN(span_cstr(f->text)));
    atomic_store(&ids->asking, false);
    mem_free(r);
}

/* A home that is everywhere: the note runs on the sending thread. */
static void blob_ids_at_once(struct post *self, struct post_note *first, struct post_note *last)
{
    (void)self;
    for (struct post_note *n = first, *next; n; n = next) {
        next = n == last ? NULL : n->next;
        n->run(n);
    }
}
static struct post blob_ids_everywhere = {blob_ids_at_once};

uint64_t blob_ids_take(struct store *st)
{
    struct blob_ids *ids = st->blob_ids;
    uint64_t id = atomic_fetch_add(&ids->next, 1), high = atomic_load(&ids->high);
    if (id + BLOB_ID_COUNT / 2 >= high && !atomic_exchange(&ids->asking, true)) {
        struct blob_ids_reserve *r = mem_new(struct blob_ids_reserve);
        r->op = (struct store_op){.apply = blob_ids_reserve_apply,
                                  .done = blob_ids_reserve_done,
                                  .home = &blob_ids_everywhere};
        r->store = st;
        committer_submit(st, &r->op);
    }
    return id < high ? id : 0;
}

enum err blob_ids_raise(struct txn *t, uint64_t id, struct fault *f)
{
    struct blob_ids *ids = txn_store(t)->blob_ids;
    uint64_t high = 0, next = atomic_load(&ids->next);
    while (next <= id && !atomic_compare_exchange_weak(&ids->next, &next, id + 1))
        continue;
    enum err e = table_get_u64(t, TABLE_META, SPAN("blob_high"), &high, f);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        return e;
    return id < high ? ERR_OK : table_put_u64(t, TABLE_META, SPAN("blob_high"), id + 1, f);
}

enum err blob_ids_open(struct store *st, struct fault *f)
{
    st->blob_ids = mem_new(struct blob_ids);
    struct blob_ids_reserve r = {.op = {.apply = blob_ids_reserve_apply}, .store = st};
    enum err e = committer_run(st, &r.op, f);
    atomic_store(&st->blob_ids->next, r.next);
    atomic_store(&st->blob_ids->high, r.high);
    return e;
}

void blob_ids_close(struct store *st)
{
    mem_free(st->blob_ids);
    st->blob_ids = NULL;
}
