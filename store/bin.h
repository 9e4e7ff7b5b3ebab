#pragma once /* store/bin.h: expunged messages, until their time is up */
#include "store/msg.h"

struct bin_item {
    uint64_t account, mailbox;
    struct span name; /* of the mailbox when the message left it */
    int64_t when;     /* wall clock seconds */
    struct msg msg;   /* as it was, flags too; keywords as names: */
    const struct span *keywords;
    size_t keyword_count;
};
/* For msg_expunge and mailbox_delete. */
enum err bin_add(struct txn *t, const struct bin_item *item, struct fault *f);
/* In order of time, until fn returns false. */
enum err bin_each(struct txn *t, struct arena *a, uint64_t account, int64_t since,
                  bool (*fn)(void *arg, const struct bin_item *), void *arg, struct fault *f);
/* Puts up to max messages expunged since then back into mailboxes of the old name (made again if gone), with new UIDs
 * and their flags but \Deleted, which would take them away again. */
enum err bin_restore(struct txn *t, uint64_t account, int64_t since, unsigned max,
                     unsigned *restored_out, struct fault *f);
/* Drops up to max messages that left before then, for good. */
enum err bin_expire(struct txn *t, int64_t before, unsigned max, unsigned *gone_out,
                    struct fault *f);
/* For an account that goes: up to max rows; fewer than max gone: all are. */
enum err bin_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                   struct fault *f);
