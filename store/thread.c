#include "store/thread.h"
#include "message/digest.h"
#include "store/schema.h"

/* A thread has the number of the body that began it, so smaller ones are older, and a message without any Message-ID needs
 * no row. A row, once written, keeps its thread: a message that joins two threads goes to the older one, and they stay two,
 * because ids that clients have seen must not change (RFC 8474 §5.2). */

#define THREAD_REFERENCE_COUNT 32 /* of a message that are looked up: the first and the last ones */

struct member {
    uint64_t id; /* hash of a Message-ID */
    bool known;  /* it has a row */
};

/* The Message-ID and the references that count; returns how many. */
static size_t members_of(const struct digest *d, struct member members[THREAD_REFERENCE_COUNT + 1])
{
    size_t n = 0, skipped = 0;
    if (d->reference_count > THREAD_REFERENCE_COUNT)
        skipped = d->reference_count - THREAD_REFERENCE_COUNT;
    if (d->id != 0)
        members[n++].id = d->id;
    for (size_t i = 0; i < d->reference_count; i = i == 0 ? 1 + skipped : i + 1)
        members[n++].id = digest_reference(d, i);
    return n;
}

/* *thread becomes the smallest of theirs. */
static enum err find_known(struct txn *t, uint64_t account, struct member *members, size_t n,
                           uint64_t *thread, struct fault *f)
{
    struct schema_key k;
    for (size_t i = 0; i < n; i++) {
        uint64_t is = 0;
        enum err e =
            table_get_u64(t, TABLE_THREAD, schema_thread_key(&k, account, members[i].id), &is, f);
        if (e != ERR_OK && e != ERR_NOTFOUND)
            return e;
        members[i].known = e == ERR_OK;
        if (members[i].known && is < *thread)
            *thread = is;
    }
    return ERR_OK;
}

static enum err join(struct txn *t, uint64_t account, const struct digest *d, uint64_t *thread,
                     struct fault *f)
{
    struct member members[THREAD_REFERENCE_COUNT + 1];
    struct schema_key k;
    size_t n = members_of(d, members);
    uint64_t oldest = UINT64_MAX;
    enum err e = find_known(t, account, members, n, &oldest, f);
    if (oldest != UINT64_MAX)
        *thread = oldest;
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        if (!members[i].known)
            e = table_put_u64(t, TABLE_THREAD, schema_thread_key(&k, account, members[i].id),
                              *thread, f);
    return e;
}

enum err thread_find(struct txn *t, uint64_t account, uint64_t blob, uint64_t *thread_out,
                     struct fault *f)
{
    struct schema_key k;
    struct digest d;
    struct buf record;
    buf_init(&record, SIZE_MAX);
    *thread_out = blob;
    enum err e = table_get(t, TABLE_DIGEST, schema_id_key(&k, blob), &record, f);
    if (e == ERR_OK && digest_open(buf_span(&record), &d))
        e = join(t, account, &d, thread_out, f);
    buf_fini(&record);
    return e == ERR_NOTFOUND ? ERR_OK
                             : e; /* without a digest, which check finds, a thread of its own */
}

enum err thread_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                      struct fault *f)
{
    struct schema_key k;
    struct span key, value, mine = schema_id_key(&k, account);
    struct table_walk w;
    enum err e = ERR_OK;
    *gone_out = 0;
    table_walk(&w, t, TABLE_THREAD, mine, true);
    for (; e == ERR_OK && *gone_out < max && table_walk_next(&w, &key, &value) &&
           schema_has_prefix(key, mine);
         ++*gone_out)
        e = table_drop(t, TABLE_THREAD, key, f);
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}
