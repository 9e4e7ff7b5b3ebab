#pragma once /* store/thread.h: which messages of an account are one conversation: THREADID, RFC 8474 §5.2 */
#include "store/txn.h"

/* The thread of a message with that body that comes into an account: the oldest one to which its Message-ID or anything it
 * refers to belongs, or else a new one. From then on all of these belong to a thread. In a write transaction. The same
 * body gets the same thread in one account every time, and a thread once given to a message stays. Never 0. */
enum err thread_find(struct txn *t, uint64_t account, uint64_t blob, uint64_t *thread_out,
                     struct fault *f);
/* Forgets up to max rows of an account that goes. */
enum err thread_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                      struct fault *f);
