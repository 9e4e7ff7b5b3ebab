#pragma once /* store/metadata.h: annotations of mailboxes and of the server, RFC 5464 */
#include "common/arena.h"
#include "store/txn.h"

#define METADATA_NAME_BYTES 512
#define METADATA_VALUE_BYTES (64u << 10)
#define METADATA_ENTRY_COUNT 1000       /* of one owner at one mailbox */
#define METADATA_TOTAL_BYTES (1u << 20) /* names and values of these together */
#define METADATA_SERVER 0               /* as mailbox: the entries of the server */
#define METADATA_SHARED                                                                            \
    0 /* as owner: what begins with /shared; else the account whose /private it is */

/* Names are in lower case and whole ("/private/comment"). value.p NULL takes the entry away; there need not be one. In an operation. ERR_LIMIT: too many
 * entries, or one too long. account: whose mailbox it is, who hears of it (store/changes.h). */
enum err metadata_put(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t owner,
                      struct span name, struct span value, struct fault *f);
/* ERR_NOTFOUND, without a text: no such entry. */
enum err metadata_get(struct txn *t, struct arena *a, uint64_t mailbox, uint64_t owner,
                      struct span name, struct span *value_out, struct fault *f);
/* Those whose name begins with prefix, in order of their names, until fn returns false. The spans live until fn returns. */
enum err metadata_each(struct txn *t, uint64_t mailbox, uint64_t owner, struct span prefix,
                       bool (*fn)(void *arg, struct span name, struct span value), void *arg,
                       struct fault *f);

/* --- inside store/ --- */
/* INBOX is renamed: everybody's entries of from are at to as well, RFC 5464 §4.1. */
enum err metadata_copy(struct txn *t, uint64_t from, uint64_t to, struct fault *f);
/* With the mailbox. Those of an account at others' mailboxes go with these. */
enum err metadata_drop(struct txn *t, uint64_t mailbox, struct fault *f);
/* With the account: its entries at the server. */
enum err metadata_forget(struct txn *t, uint64_t account, struct fault *f);
#define METADATA_KEY_BYTES (16 + METADATA_NAME_BYTES)
struct span metadata_key(char key[METADATA_KEY_BYTES], uint64_t mailbox, uint64_t owner,
                         struct span name);
bool metadata_key_of(struct span key, uint64_t *mailbox, uint64_t *owner, struct span *name);
