#pragma once /* store/mailbox.h: the mailboxes of an account */
#include "common/arena.h"
#include "common/buf.h"
#include "store/txn.h"

#define MAILBOX_NAME_BYTES 1000
#define MAILBOX_LEVEL_COUNT 64
#define MAILBOX_KEYWORD_COUNT 4096 /* different keywords in one mailbox */
#define MAILBOX_KEYWORD_BYTES 255

/* Special uses, RFC 6154 §2, RFC 8457 §5 and RFC 9979 §8. */
enum mailbox_use {
    MAILBOX_DRAFTS = 1,
    MAILBOX_SENT = 2,
    MAILBOX_JUNK = 4,
    MAILBOX_TRASH = 8,
    MAILBOX_ARCHIVE = 16,
    MAILBOX_FLAGGED = 32,
    MAILBOX_ALL = 64,
    MAILBOX_IMPORTANT = 128,
    MAILBOX_MEMOS = 256,
    MAILBOX_SCHEDULED = 512,
    MAILBOX_SNOOZED = 1024
};

/* A copy of the row; the counters are exact. */
struct mailbox {
    uint64_t id, account;
    struct span name; /* UTF-8, levels divided by "/" ; in the arena given */
    uint32_t uidvalidity, uidnext;
    uint64_t highestmodseq; /* at least 1, RFC 7162 §3.1.2.1 */
    uint32_t messages, unseen, deleted;
    uint64_t bytes;         /* sum of RFC822.SIZE */
    uint64_t deleted_bytes; /* of those with \Deleted, RFC 9208 §4.1.4 */
    uint32_t
        recent_from; /* messages from this UID on are \Recent to the next session that selects, RFC 3501 §2.3.2 */
    uint32_t uses;          /* of enum mailbox_use */
    uint32_t keyword_count; /* keywords it has known so far, see flags_keywords */
    int64_t created;
};

/* Puts INBOX in upper case (any case of it is the same name, RFC 9051 §5.1) and refuses with ERR_INVALID what cannot be a name:
 * not UTF-8, control characters, an empty level, too long, too deep, "*" and "%". The result may point into name. */
enum err mailbox_name_check(struct span name, struct span *canonical_out, struct fault *f);

/* The name one level up, in name; empty at the top. */
struct span mailbox_above(struct span name);

enum err mailbox_find(struct txn *t, struct arena *a, uint64_t account, struct span name,
                      struct mailbox *out, struct fault *f);
enum err mailbox_get(struct txn *t, struct arena *a, uint64_t id, struct mailbox *out,
                     struct fault *f); /* a NULL: no name */
/* In order of names (INBOX where its bytes put it) until fn returns false. from: start at this name; empty for all. */
enum err mailbox_each(struct txn *t, struct arena *a, uint64_t account, struct span from,
                      bool (*fn)(void *arg, const struct mailbox *box), void *arg, struct fault *f);

/* Makes it, and the levels above it that are not there (RFC 9051 §6.3.4), each with the rights of the one above it
 * (RFC 4314 §4). ERR_EXISTS. *id_out may be NULL. */
enum err mailbox_create(struct txn *t, uint64_t account, struct span name, uint32_t uses,
                        uint64_t *id_out, struct fault *f);
/* Its messages go to the bin. ERR_NOTFOUND; ERR_INVALID for INBOX. Mailboxes below it stay. */
enum err mailbox_delete(struct txn *t, uint64_t account, struct span name, struct fault *f);
/* With all below it; missing levels above the new name are made. INBOX: its messages move to the new mailbox and INBOX stays, empty
 * (RFC 9051 §6.3.6). ERR_NOTFOUND, ERR_EXISTS, ERR_INVALID (into itself). A moved name gets a UIDVALIDITY larger than any the new name had. */
enum err mailbox_rename(struct txn *t, uint64_t account, struct span from, struct span to,
                        struct fault *f);

/* Subscriptions are names; the mailbox need not be there. Idempotent. */
enum err mailbox_subscribe(struct txn *t, uint64_t account, struct span name, bool on,
                           struct fault *f);
enum err mailbox_subscribed(struct txn *t, uint64_t account, struct span name, bool *out,
                            struct fault *f);
/* from: as in mailbox_each. */
enum err mailbox_each_subscription(struct txn *t, uint64_t account, struct span from,
                                   bool (*fn)(void *arg, struct span name), void *arg,
                                   struct fault *f);

/* INBOX, Drafts, Sent, Junk, Trash, Archive: made if absent, subscribed, with their special use. */
enum err mailbox_create_defaults(struct txn *t, uint64_t account, struct fault *f);
/* Takes note that a session has seen everything below uidnext as recent. */
enum err mailbox_recent_seen(struct txn *t, uint64_t id, uint32_t uidnext, struct fault *f);

/* --- inside store/: the row while an operation works on it --- */
struct mailbox_row {
    struct mailbox box; /* its name lies in bytes */
    struct buf bytes;
    uint64_t was_bytes; /* as the account's quota has counted them */
    uint32_t was_messages;
};
struct msg;
enum err mailbox_row_get(struct txn *t, uint64_t id, struct mailbox_row *row,
                         struct fault *f); /* ERR_NOTFOUND; row is to be ended only after ERR_OK */
/* Takes the message into the counters, or out of them. */
void mailbox_row_count(struct mailbox_row *row, const struct msg *m, bool in);
/* raise: the mailbox has changed, its HIGHESTMODSEQ becomes the operation's. */
enum err mailbox_row_put(struct txn *t, struct mailbox_row *row, bool raise, struct fault *f);
void mailbox_row_end(struct mailbox_row *row);
/* Drops the row, its keywords and its name; its messages are gone already. */
enum err mailbox_row_drop(struct txn *t, struct mailbox_row *row, struct fault *f);
