#pragma once /* store/table.h: ordered tables of bytes: the one room that speaks to Berkeley DB */
#include "common/buf.h"
#include "store/txn.h"

/* What each holds: the top of store/schema.c. */
enum table {
    TABLE_META,
    TABLE_DOMAIN,
    TABLE_ACCOUNT,
    TABLE_ALIAS,
    TABLE_NAME,
    TABLE_SUBSCRIPTION,
    TABLE_MAILBOX,
    TABLE_KEYWORD,
    TABLE_MSG,
    TABLE_BODY,
    TABLE_OUTLINE,
    TABLE_CHUNK,
    TABLE_PENDING,
    TABLE_CHANGES,
    TABLE_BIN,
    TABLE_GLANCE,
    TABLE_DIGEST,
    TABLE_THREAD,
    TABLE_INDEX,
    TABLE_ACL,
    TABLE_METADATA,
    TABLE_QUOTA,
    TABLE_PASSWORD,
    TABLE_COUNT
};

/* Keys sort as bytes. In a snapshot reads never block; in a write transaction they see its own writes. value_out is replaced.
 * ERR_NOTFOUND (without a text) where there is no such key. */
enum err table_get(struct txn *t, enum table table, struct span key, struct buf *value_out,
                   struct fault *f);
/* Bytes [at, at + n) of the value, fewer at its end. */
enum err table_get_part(struct txn *t, enum table table, struct span key, size_t at, size_t n,
                        struct buf *value_out, struct fault *f);
/* Only in a write transaction. table_put adds or replaces; table_add is ERR_EXISTS where the key is there. */
enum err table_put(struct txn *t, enum table table, struct span key, struct span value,
                   struct fault *f);
enum err table_add(struct txn *t, enum table table, struct span key, struct span value,
                   struct fault *f);
enum err table_drop(struct txn *t, enum table table, struct span key, struct fault *f);
/* A number of 8 bytes, little-endian. ERR_CORRUPT: it is none. */
enum err table_put_u64(struct txn *t, enum table table, struct span key, uint64_t value,
                       struct fault *f);
enum err table_get_u64(struct txn *t, enum table table, struct span key, uint64_t *out,
                       struct fault *f);

/* The keys in order, from the first that is not smaller than from. Reads in bulk; the transaction may write between two
 * steps, also to the rows it walks over (it may or may not see those again). */
struct table_walk {
    struct txn *t;
    enum table table; /* private from here */
    void *cursor;
    struct span last; /* key of the last step */
    void *bulk, *at;
    size_t bulk_bytes;
    bool ended;
    struct fault fault;
};
/* few: a handful of rows is expected (small reads); else reads ahead in bulk. On an error the walk is over at once and table_walk_end tells. */
void table_walk(struct table_walk *w, struct txn *t, enum table table, struct span from, bool few);
/* Spans valid until the next step or end. False: over, or an error that table_walk_end tells. */
bool table_walk_next(struct table_walk *w, struct span *key, struct span *value);
enum err table_walk_end(struct table_walk *w,
                        struct fault *f); /* always call it; before the transaction ends */

/* The largest key; ERR_NOTFOUND: empty table. */
enum err table_last(struct txn *t, enum table table, struct buf *key_out, struct fault *f);
/* The largest key that is not larger than key, with its value (value_out may be NULL). */
enum err table_floor(struct txn *t, enum table table, struct span key, struct buf *key_out,
                     struct buf *value_out, struct fault *f);
