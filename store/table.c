#include "store/table.h"
#include "common/le.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/io.h"
#include "store/state.h"

#include <db.h>
#include <pthread.h>

#define TABLE_GUESS_BYTES 512 /* room offered for a value before its size is known */
/* Bulk reads: at least a page, in multiples of 1024. Larger items make a buffer of their own. */
#define TABLE_FEW_BYTES (8u << 10)
#define TABLE_MANY_BYTES (128u << 10)
#define TABLE_KEY_BYTES 2000 /* no key of ours is longer */

static enum err table_fault(struct txn *t, int error, const char *doing, struct fault *f)
{
    if (error == DB_NOTFOUND)
        return ERR_NOTFOUND;
    if (error == DB_KEYEXIST)
        return ERR_EXISTS;
    if (error == DB_BUFFER_SMALL)
        return fault_set(f, ERR_LIMIT, "%s: too long for its reader", doing);
    enum err e = io_fault(f, error, doing);
    if (t->writes && !t->broken) {
        t->broken = true;
        (void)io_fault(&t->why, error, doing);
    }
    return e;
}

static DB *table_db(const struct txn *t, enum table table)
{
    must((unsigned)table < TABLE_COUNT);
    return t->store->tables[table];
}

/* Berkeley DB does not write to what it only reads, but its struct cannot say so. */
static DBT table_in(struct span s)
{
    return (DBT){.data = (void *)(uintptr_t)s.p,
                 .size = (u_int32_t)s.n,
                 .ulen = (u_int32_t)s.n,
                 .flags = DB_DBT_USERMEM};
}

/* Offers the memory of b, made at least n bytes long or as long as b may become. */
static void table_offer(struct buf *b, size_t n, DBT *out)
{
    buf_reset(b);
    if (n < b->cap)
        n = b->cap;
    if (n > b->max_bytes)
        n = b->max_bytes;
    out->data = buf_room(b, n);
    out->ulen = (u_int32_t)n;
    out->flags |= DB_DBT_USERMEM;
}

/* Whether asking again with more memory, *n, will do. */
static bool table_again(int error, const struct buf *b, const DBT *got, size_t *n)
{
    if (error != DB_BUFFER_SMALL || got->size <= got->ulen || got->size > b->max_bytes)
        return false;
    *n = got->size;
    return true;
}

/* One get, with value's memory grown to what is there. */
static enum err table_get_into(struct txn *t, enum table table, struct span key, DBT *value,
                               struct buf *value_out, struct fault *f)
{
    DB *db = table_db(t, table);
    DBT k = table_in(key);
    size_t n = TABLE_GUESS_BYTES;
    int error;
    do {
        table_offer(value_out, n, value);
        error = db->get(db, t->db, &k, value, 0);
    } while (table_again(error, value_out, value, &n));
    if (error)
        return table_fault(t, error, "read", f);
    buf_grew(value_out, value->size);
    return ERR_OK;
}

enum err table_get(struct txn *t, enum table table, struct span key, struct buf *value_out,
                   struct fault *f)
{
    DBT value = {0};
    return table_get_into(t, table, key, &value, value_out, f);
}

enum err table_get_part(struct txn *t, enum table table, struct span key, size_t at, size_t n,
                        struct buf *value_out, struct fault *f)
{
    DBT value = {.flags = DB_DBT_PARTIAL, .doff = (u_int32_t)at, .dlen = (u_int32_t)n};
    return table_get_into(t, table, key, &value, value_out, f);
}

static enum err table_write(struct txn *t, enum table table, struct span key, struct span value,
                            unsigned how, struct fault *f)
{
    must(t->writes);
    DB *db = table_db(t, table);
    DBT k = table_in(key), v = table_in(value);
    int error = db->put(db, t->db, &k, &v, how);
    if (error)
        return table_fault(t, error, "write", f);
    t->written++;
    return ERR_OK;
}

enum err table_put(struct txn *t, enum table table, struct span key, struct span value,
                   struct fault *f)
{
    return table_write(t, table, key, value, 0, f);
}

enum err table_add(struct txn *t, enum table table, struct span key, struct span value,
                   struct fault *f)
{
    return table_write(t, table, key, value, DB_NOOVERWRITE, f);
}

enum err table_drop(struct txn *t, enum table table, struct span key, struct fault *f)
{
    must(t->writes);
    DB *db = table_db(t, table);
    DBT k = table_in(key);
    int error = db->del(db, t->db, &k, 0);
    if (error)
        return table_fault(t, error, "remove", f);
    t->written++;
    return ERR_OK;
}

/* --- numbers --- */

enum err table_put_u64(struct txn *t, enum table table, struct span key, uint64_t value,
                       struct fault *f)
{
    char bytes[8];
    le_put(bytes, value, sizeof bytes);
    return table_put(t, table, key, span_of(bytes, sizeof bytes), f);
}

enum err table_get_u64(struct txn *t, enum table table, struct span key, uint64_t *out,
                       struct fault *f)
{
    char bytes[8];
    DB *db = table_db(t, table);
    DBT k = table_in(key), v = {.data = bytes, .ulen = sizeof bytes, .flags = DB_DBT_USERMEM};
    int error = db->get(db, t->db, &k, &v, 0);
    if (error && error != DB_BUFFER_SMALL)
        return table_fault(t, error, "read", f);
    if (error || v.size != sizeof bytes)
        return fault_set(f, ERR_CORRUPT, "%.*s is not a number", SPAN_ARG(key));
    *out = le_get(bytes, sizeof bytes);
    return ERR_OK;
}

/* --- bulk buffers: each thread keeps one of a kind for its next walk --- */

struct table_spare {
    void *few, *many;
};
static pthread_key_t table_spares;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_spare_free(void *arg)
{
    struct table_spare *s = arg;
    mem_free(s->few);
    mem_free(s->many);
    mem_free(s);
}

static void table_spare_start(void)
{
    must(pthread_key_create(&table_spares, table_spare_free) == 0);
}

/* Where this thread keeps a buffer of that size; NULL for sizes that are not kept. */
static void **table_spare_of(size_t n)
{
    if (n != TABLE_FEW_BYTES && n != TABLE_MANY_BYTES)
        return NULL;
    must(pthread_once(&table_once, table_spare_start) == 0);
    struct table_spare *s = pthread_getspecific(table_spares);
    if (!s) {
        s = mem_new(struct table_spare);
        must(pthread_setspecific(table_spares, s) == 0);
    }
    return n == TABLE_FEW_BYTES ? &s->few : &s->many;
}

static void *table_bulk_take(size_t n)
{
    void **spare = table_spare_of(n);
    void *p = spare ? *spare : NULL;
    if (!p)
        return mem_alloc(n);
    *spare = NULL;
    return p;
}

static void table_bulk_give(void *p, size_t n)
{
    void **spare = p ? table_spare_of(n) : NULL;
    if (spare && !*spare)
        *spare = p;
    else
        mem_free(p);
}

/* --- walks --- */

static void table_walk_over(struct table_walk *w, int error, const char *doing)
{
    w->ended = true;
    w->at = NULL;
    if (error && error != DB_NOTFOUND)
        w->fault.kind = table_fault(w->t, error, doing, &w->fault);
}

static bool table_walk_cursor(struct table_walk *w)
{
    DB *db = table_db(w->t, w->table);
    DBC *cursor = NULL;
    int error = w->cursor ? 0 : db->cursor(db, w->t->db, &cursor, 0);
    if (error)
        table_walk_over(w, error, "begin a walk");
    else if (cursor)
        w->cursor = cursor;
    return error == 0;
}

/* In a write transaction no cursor stays open between two bulks: 5.3.28 loses one (DB_PAGE_NOTFOUND) when the rows that it has
 * passed are deleted and their pages are merged away. */
static void table_walk_let_go(struct table_walk *w)
{
    DBC *cursor = w->cursor;
    if (!cursor || !w->t->writes)
        return;
    w->cursor = NULL;
    int error = cursor->close(cursor);
    if (error)
        table_walk_over(w, error, "walk");
}

/* The next bulk. how: DB_FIRST, DB_NEXT or DB_SET_RANGE. */
static void table_walk_fill(struct table_walk *w, DBT *key, unsigned how)
{
    DBT bulk = {.flags = DB_DBT_USERMEM};
    int error;
    if (!table_walk_cursor(w))
        return;
    for (;;) {
        DBC *cursor = w->cursor;
        bulk.data = w->bulk;
        bulk.ulen = (u_int32_t)w->bulk_bytes;
        error = cursor->get(cursor, key, &bulk, how | DB_MULTIPLE_KEY);
        if (error != DB_BUFFER_SMALL || bulk.size > UINT32_MAX / 4)
            break;
        size_t n = w->bulk_bytes * 2;
        while (n < (size_t)bulk.size + 1024)
            n *= 2;
        table_bulk_give(w->bulk, w->bulk_bytes);
        w->bulk = table_bulk_take(n);
        w->bulk_bytes = n;
    }
    if (error) {
        table_walk_over(w, error, "walk");
        return;
    }
    DB_MULTIPLE_INIT(w->at, &bulk);
    table_walk_let_go(w);
}

/* The next bulk from the first key behind the last. */
static void table_walk_go_on(struct table_walk *w)
{
    char behind[TABLE_KEY_BYTES + 1];
    DBT key = {0};
    if (!w->t->writes) {
        table_walk_fill(w, &key, DB_NEXT);
        return;
    }
    if (w->last.n > TABLE_KEY_BYTES) {
        w->ended = true;
        w->fault.kind = fault_set(&w->fault, ERR_CORRUPT, "walk: a key of %zu bytes", w->last.n);
        return;
    }
    if (w->last.n)
        memcpy(behind, w->last.p, w->last.n);
    behind[w->last.n] = '\0';
    key.data = behind;
    key.size = (u_int32_t)w->last.n + 1;
    table_walk_fill(w, &key, DB_SET_RANGE);
}

void table_walk(struct table_walk *w, struct txn *t, enum table table, struct span from, bool few)
{
    *w = (struct table_walk){.t = t, .table = table, .fault = FAULT_NONE};
    w->bulk_bytes = few ? TABLE_FEW_BYTES : TABLE_MANY_BYTES;
    w->bulk = table_bulk_take(w->bulk_bytes);
    /* Without a flag the key that is found comes back in memory of the cursor's: it may be longer than from. */
    DBT key = {.data = table_in(from).data, .size = (u_int32_t)from.n};
    table_walk_fill(w, &key, from.n ? DB_SET_RANGE : DB_FIRST);
}

/* The next of what has been read; false: all taken. */
static bool table_walk_take(struct table_walk *w, struct span *key, struct span *value)
{
    DBT bulk = {.data = w->bulk, .ulen = (u_int32_t)w->bulk_bytes};
    void *k, *v;
    size_t kn, vn;
    DB_MULTIPLE_KEY_NEXT(w->at, &bulk, k, kn, v, vn);
    if (!w->at)
        return false;
    *key = span_of(k, kn);
    *value = span_of(v, vn);
    return true;
}

bool table_walk_next(struct table_walk *w, struct span *key, struct span *value)
{
    while (!w->ended) {
        if (w->at && table_walk_take(w, key, value)) {
            w->last = *key;
            return true;
        }
        table_walk_go_on(w);
    }
    return false;
}

enum err table_walk_end(struct table_walk *w, struct fault *f)
{
    DBC *cursor = w->cursor;
    int error = cursor ? cursor->close(cursor) : 0;
    if (error && w->fault.kind == ERR_OK)
        table_walk_over(w, error, "end a walk");
    table_bulk_give(w->bulk, w->bulk_bytes);
    w->cursor = w->bulk = w->at = NULL;
    w->ended = true;
    if (w->fault.kind == ERR_OK)
        return ERR_OK;
    return fault_set(f, w->fault.kind, "%s", w->fault.text);
}

/* --- single steps --- */

/* Where the cursor comes to. value_out may be NULL. */
static int table_step(DBC *cursor, unsigned how, struct buf *key_out, struct buf *value_out)
{
    size_t kn = TABLE_GUESS_BYTES, vn = TABLE_GUESS_BYTES;
    DBT key, value;
    int error;
    do {
        key = (DBT){0};
        value = (DBT){.flags = value_out ? 0 : DB_DBT_PARTIAL | DB_DBT_USERMEM};
        table_offer(key_out, kn, &key);
        if (value_out)
            table_offer(value_out, vn, &value);
        error = cursor->get(cursor, &key, &value, how);
    } while (table_again(error, key_out, &key, &kn) ||
             (value_out && table_again(error, value_out, &value, &vn)));
    if (error)
        return error;
    buf_grew(key_out, key.size);
    if (value_out)
        buf_grew(value_out, value.size);
    return 0;
}

enum err table_last(struct txn *t, enum table table, struct buf *key_out, struct fault *f)
{
    DB *db = table_db(t, table);
    DBC *cursor;
    int error = db->cursor(db, t->db, &cursor, 0);
    if (error)
        return table_fault(t, error, "find the last", f);
    error = table_step(cursor, DB_LAST, key_out, NULL);
    int closing = cursor->close(cursor);
    error = error ? error : closing;
    return error ? table_fault(t, error, "find the last", f) : ERR_OK;
}

/* Puts the cursor on the largest key that is not larger than key. */
static int table_floor_find(DBC *cursor, struct span key, struct buf *key_out,
                            struct buf *value_out)
{
    /* A found key comes back in the DBT that asked: hence a copy, with room for what is found. */
    DBT none = {.flags = DB_DBT_PARTIAL | DB_DBT_USERMEM}, k;
    size_t n = key.n + TABLE_GUESS_BYTES;
    int error;
    do {
        k = (DBT){0};
        table_offer(key_out, n, &k);
        if (k.ulen < key.n)
            return DB_BUFFER_SMALL;
        if (key.n)
            memcpy(k.data, key.p, key.n);
        k.size = (u_int32_t)key.n;
        error = cursor->get(cursor, &k, &none, DB_SET_RANGE);
    } while (table_again(error, key_out, &k, &n));
    if (error && error != DB_NOTFOUND)
        return error;
    if (!error && span_eq(span_of(k.data, k.size), key))
        return table_step(cursor, DB_CURRENT, key_out, value_out);
    return table_step(cursor, error ? DB_LAST : DB_PREV, key_out, value_out);
}

enum err table_floor(struct txn *t, enum table table, struct span key, struct buf *key_out,
                     struct buf *value_out, struct fault *f)
{
    DB *db = table_db(t, table);
    DBC *cursor;
    int error = db->cursor(db, t->db, &cursor, 0);
    if (error)
        return table_fault(t, error, "find the floor", f);
    error = table_floor_find(cursor, key, key_out, value_out);
    int closing = cursor->close(cursor);
    error = error ? error : closing;
    return error ? table_fault(t, error, "find the floor", f) : ERR_OK;
}
