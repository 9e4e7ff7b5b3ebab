#pragma once /* store/quota.h: how much an account may keep, and how much it keeps; RFC 9208 */
#include "store/mailbox.h"

/* Bytes of messages, messages and mailboxes of an account. The bin does not count. */
struct quota_amount {
    uint64_t bytes, messages, mailboxes;
};
#define QUOTA_NONE UINT64_MAX /* as a limit: none, whatever the default is */

struct quota {
    struct quota_amount limit; /* its own: 0 is the default of the store, QUOTA_NONE no limit */
    struct quota_amount used;  /* exact: counted in the operations that change it */
};
/* Any transaction. All 0 for an account without a row. */
enum err quota_get(struct txn *t, uint64_t account, struct quota *out, struct fault *f);
/* The limits in force, with 0 for none. */
struct quota_amount quota_limits(const struct txn *t, const struct quota *q);
/* In an operation. */
enum err quota_set(struct txn *t, uint64_t account, const struct quota_amount *limit,
                   struct fault *f);
/* ERR_QUOTA: that much more does not fit. Ask before anything is written, so that a refusal costs nobody else a
 * thing; and in a snapshot, to refuse early. */
enum err quota_allows(struct txn *t, uint64_t account, const struct quota_amount *more,
                      struct fault *f);

/* --- inside store/ --- */
/* What was there is now that: the differences are counted. */
enum err quota_count(struct txn *t, uint64_t account, const struct quota_amount *was,
                     const struct quota_amount *is, struct fault *f);
/* With the account. */
enum err quota_drop(struct txn *t, uint64_t account, struct fault *f);
/* The row as schema.c tells. */
#define QUOTA_ROW_BYTES 48
bool quota_row_of(struct span value, struct quota *out);
struct span quota_row(char row[QUOTA_ROW_BYTES], const struct quota *q);
