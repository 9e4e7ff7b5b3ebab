#pragma once /* store/glance.h: what SELECT found in a mailbox, kept so that the next one after a restart need not walk it */
#include "store/table.h"
#include "store/uidset.h"

/* As of modseq; the change log tells what came after (changes_since). Never the truth: the rows of MSG are. */
struct glance {
    uint64_t modseq;
    uint32_t first_unseen; /* UID; 0: all were \Seen */
    struct uidset uids;    /* the caller's: uidset_fini */
};
/* ERR_NOTFOUND: none was kept, or one that cannot be read. */
enum err glance_get(struct txn *t, uint64_t mailbox, struct glance *out, struct fault *f);
/* In an operation. A mailbox with too many gaps (GLANCE_RANGES_MAX) is not kept. ERR_NOTFOUND: the mailbox is gone. */
#define GLANCE_RANGES_MAX 8192
enum err glance_put(struct txn *t, uint64_t mailbox, const struct glance *g, struct fault *f);
/* With the mailbox; there need not be one. */
enum err glance_drop(struct txn *t, uint64_t mailbox, struct fault *f);
