#include "store/bin.h"
#include "store/blob.h"
#include "store/expiry.h"
#include "store/mailbox.h"
#include "store/schema.h"

#include <inttypes.h>

#define BIN_ROW_BYTES SIZE_MAX /* thousands of keywords are possible */

static enum err damaged(uint64_t account, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "account %" PRIu64 ": damaged row in the bin", account);
}

enum err bin_add(struct txn *t, const struct bin_item *item, struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, BIN_ROW_BYTES);
    schema_bin(item, &row);
    struct span key = schema_bin_key(&k, item->account, item->when, item->mailbox, item->msg.uid);
    enum err e = table_put(t, TABLE_BIN, key, buf_span(&row), f);
    buf_fini(&row);
    return e;
}

/* --- looking --- */

struct bin_walk {
    struct table_walk walk;
    struct arena *a; /* for the names of one item */
    uint64_t account;
    enum err e;
};

static void bin_walk(struct bin_walk *w, struct txn *t, uint64_t account, int64_t since)
{
    struct schema_key k;
    w->account = account;
    w->e = ERR_OK;
    w->a = arena_new();
    table_walk(&w->walk, t, TABLE_BIN, schema_bin_key(&k, account, since, 0, 0), true);
}

static bool bin_walk_next(struct bin_walk *w, struct span *key, struct bin_item *item,
                          struct fault *f)
{
    struct schema_key k;
    struct span value;
    arena_reset(w->a);
    if (!table_walk_next(&w->walk, key, &value) ||
        !schema_has_prefix(*key, schema_id_key(&k, w->account)))
        return false;
    if (!schema_bin_of(w->a, *key, value, item))
        w->e = damaged(w->account, f);
    return w->e == ERR_OK;
}

static enum err bin_walk_end(struct bin_walk *w, struct fault *f)
{
    enum err e = table_walk_end(&w->walk, w->e == ERR_OK ? f : NULL);
    arena_free(&w->a);
    return w->e == ERR_OK ? e : w->e;
}

enum err bin_each(struct txn *t, struct arena *a, uint64_t account, int64_t since,
                  bool (*fn)(void *arg, const struct bin_item *), void *arg, struct fault *f)
{
    struct bin_walk w;
    struct span key;
    struct bin_item item;
    bool more = true;
    bin_walk(&w, t, account, since);
    while (more && bin_walk_next(&w, &key, &item, f)) {
        struct span *keywords = arena_alloc(a, item.keyword_count * sizeof *keywords);
        for (size_t i = 0; i < item.keyword_count; i++)
            keywords[i] = arena_keep(a, item.keywords[i]);
        item.keywords = keywords;
        item.name = arena_keep(a, item.name);
        more = fn(arg, &item);
    }
    return bin_walk_end(&w, f);
}

/* --- putting back --- */

static enum err restore_one(struct txn *t, const struct bin_item *item, struct fault *f)
{
    struct mailbox box;
    uint64_t id = 0;
    enum err e = mailbox_find(t, NULL, item->account, item->name, &box, f);
    if (e == ERR_OK)
        id = box.id;
    else if (e == ERR_NOTFOUND)
        e = mailbox_create(t, item->account, item->name, 0, &id, f);
    struct msg_new m = {
        .blob = item->msg.blob,
        .bytes = item->msg.bytes,
        .internal = item->msg.internal,
        .flags = {item->msg.flags & ~(uint32_t)FLAGS_DELETED, item->keywords, item->keyword_count},
        .thread = item->msg.thread,
    };
    return e == ERR_OK ? msg_append(t, id, &m, NULL, f) : e;
}

enum err bin_restore(struct txn *t, uint64_t account, int64_t since, unsigned max,
                     unsigned *restored_out, struct fault *f)
{
    struct bin_walk w;
    struct span key;
    struct bin_item item;
    *restored_out = 0;
    bin_walk(&w, t, account, since);
    while (w.e == ERR_OK && *restored_out < max && bin_walk_next(&w, &key, &item, f)) {
        w.e = restore_one(t, &item, f);
        if (w.e == ERR_OK)
            w.e = table_drop(t, TABLE_BIN, key, f);
        ++*restored_out;
    }
    return bin_walk_end(&w, f);
}

/* --- throwing away --- */

struct expire {
    int64_t before;
    unsigned max, gone;
};

static enum err expire_turn(void *arg, struct txn *t, uint64_t account, bool *done, struct fault *f)
{
    struct expire *x = arg;
    struct bin_walk w;
    struct span key;
    struct bin_item item;
    *done = true;
    bin_walk(&w, t, account, INT64_MIN);
    while (w.e == ERR_OK && bin_walk_next(&w, &key, &item, f) && item.when < x->before) {
        *done = x->gone < x->max;
        if (!*done)
            break;
        w.e = blob_drop(t, item.msg.blob, f);
        if (w.e == ERR_OK)
            w.e = table_drop(t, TABLE_BIN, key, f);
        x->gone++;
    }
    return bin_walk_end(&w, f);
}

enum err bin_expire(struct txn *t, int64_t before, unsigned max, unsigned *gone_out,
                    struct fault *f)
{
    struct expire x = {.before = before, .max = max};
    enum err e = expiry_round(t, TABLE_BIN, SPAN("bin_next"), expire_turn, &x, f);
    *gone_out = x.gone;
    return e;
}

enum err bin_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                   struct fault *f)
{
    struct expire x = {.before = INT64_MAX, .max = max};
    bool done;
    enum err e = expire_turn(&x, t, account, &done, f);
    *gone_out = x.gone;
    return e;
}
