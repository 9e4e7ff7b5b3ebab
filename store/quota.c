#include "store/quota.h"
#include "common/le.h"
#include "store/schema.h"
#include "store/table.h"

#include <inttypes.h>

bool quota_row_of(struct span value, struct quota *out)
{
    if (value.n != QUOTA_ROW_BYTES)
        return false;
    *out = (struct quota){
        .limit = {le_get(value.p, 8), le_get(value.p + 8, 8), le_get(value.p + 16, 8)},
        .used = {le_get(value.p + 24, 8), le_get(value.p + 32, 8), le_get(value.p + 40, 8)},
    };
    return true;
}

enum err quota_get(struct txn *t, uint64_t account, struct quota *out, struct fault *f)
{
    struct schema_key k;
    struct buf value;
    *out = (struct quota){{0, 0, 0}, {0, 0, 0}};
    buf_init(&value, QUOTA_ROW_BYTES);
    enum err e = table_get(t, TABLE_QUOTA, schema_id_key(&k, account), &value, f);
    if (e == ERR_LIMIT || (e == ERR_OK && !quota_row_of(buf_span(&value), out)))
        e = fault_set(f, ERR_CORRUPT, "account %" PRIu64 ": damaged quota", account);
    buf_fini(&value);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

struct span quota_row(char row[QUOTA_ROW_BYTES], const struct quota *q)
{
    const uint64_t fields[] = {q->limit.bytes, q->limit.messages, q->limit.mailboxes,
                               q->used.bytes,  q->used.messages,  q->used.mailboxes};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        le_put(row + 8 * i, fields[i], 8);
    return span_of(row, QUOTA_ROW_BYTES);
}

static enum err put(struct txn *t, uint64_t account, const struct quota *q, struct fault *f)
{
    struct schema_key k;
    char row[QUOTA_ROW_BYTES];
    return table_put(t, TABLE_QUOTA, schema_id_key(&k, account), quota_row(row, q), f);
}

static uint64_t limit_of(uint64_t own, uint64_t fallback)
{
    return own == QUOTA_NONE ? 0 : own ? own : fallback;
}

struct quota_amount quota_limits(const struct txn *t, const struct quota *q)
{
    const struct store_options *o = store_options(txn_store(t));
    return (struct quota_amount){
        limit_of(q->limit.bytes, o->quota_bytes),
        limit_of(q->limit.messages, o->quota_messages),
        limit_of(q->limit.mailboxes, o->quota_mailboxes),
    };
}

enum err quota_set(struct txn *t, uint64_t account, const struct quota_amount *limit,
                   struct fault *f)
{
    struct quota q;
    enum err e = quota_get(t, account, &q, f);
    if (e != ERR_OK)
        return e;
    q.limit = *limit;
    return put(t, account, &q, f);
}

static bool fits(uint64_t used, uint64_t more, uint64_t limit)
{
    return more == 0 || limit == 0 || (used <= limit && more <= limit - used);
}

enum err quota_allows(struct txn *t, uint64_t account, const struct quota_amount *more,
                      struct fault *f)
{
    struct quota q;
    enum err e = quota_get(t, account, &q, f);
    if (e != ERR_OK)
        return e;
    struct quota_amount limit = quota_limits(t, &q);
    if (!fits(q.used.bytes, more->bytes, limit.bytes))
        return fault_set(f, ERR_QUOTA, "account %" PRIu64 ": quota of %" PRIu64 " bytes", account,
                         limit.bytes);
    if (!fits(q.used.messages, more->messages, limit.messages))
        return fault_set(f, ERR_QUOTA, "account %" PRIu64 ": quota of %" PRIu64 " messages",
                         account, limit.messages);
    if (!fits(q.used.mailboxes, more->mailboxes, limit.mailboxes))
        return fault_set(f, ERR_QUOTA, "account %" PRIu64 ": quota of %" PRIu64 " mailboxes",
                         account, limit.mailboxes);
    return ERR_OK;
}

/* Damaged counters stop at 0: mailstead check tells of them. */
static void turn(uint64_t *used, uint64_t was, uint64_t is)
{
    *used = *used + is >= was ? *used + is - was : 0;
}

enum err quota_count(struct txn *t, uint64_t account, const struct quota_amount *was,
                     const struct quota_amount *is, struct fault *f)
{
    struct quota q;
    if (was->bytes == is->bytes && was->messages == is->messages && was->mailboxes == is->mailboxes)
        return ERR_OK;
    enum err e = quota_get(t, account, &q, f);
    if (e != ERR_OK)
        return e;
    turn(&q.used.bytes, was->bytes, is->bytes);
    turn(&q.used.messages, was->messages, is->messages);
    turn(&q.used.mailboxes, was->mailboxes, is->mailboxes);
    return put(t, account, &q, f);
}

enum err quota_drop(struct txn *t, uint64_t account, struct fault *f)
{
    struct schema_key k;
    enum err e = table_drop(t, TABLE_QUOTA, schema_id_key(&k, account), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
