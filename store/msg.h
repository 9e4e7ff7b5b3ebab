#pragma once /* store/msg.h: the messages of a mailbox */
#include "common/arena.h"
#include "message/date.h"
#include "store/flags.h"
#include "store/table.h"
#include "store/uidset.h"

/* A message's row. keywords is borrowed: from the walk until its next step, or from the arena given to msg_get. */
struct msg {
    uint32_t uid;
    uint32_t flags;       /* of enum flags_system */
    struct span keywords; /* bitmap, see flags_bit */
    uint64_t modseq;
    struct date internal; /* INTERNALDATE */
    int64_t saved;        /* when it came into this mailbox; RFC 8514 */
    uint64_t bytes;       /* RFC822.SIZE */
    uint64_t blob;        /* its body; also its EMAILID: copies share it */
    uint64_t thread;      /* THREADID of its account, RFC 8474 §5.2; 0: none */
};

/* ERR_NOTFOUND: not there (any more). */
enum err msg_get(struct txn *t, struct arena *a, uint64_t mailbox, uint32_t uid, struct msg *out,
                 struct fault *f);

/* Rows in UID order from a UID on. few as in table_walk. */
struct msg_walk {
    struct table_walk walk;
    uint64_t mailbox;
};
void msg_walk(struct msg_walk *w, struct txn *t, uint64_t mailbox, uint32_t from_uid, bool few);
bool msg_walk_next(struct msg_walk *w, struct msg *out);
enum err msg_walk_end(struct msg_walk *w, struct fault *f);
/* Those rows of uids (NULL: all) that are there with a UID below that, in UID order; costs what is there, and one look-up for each wide gap.
 * The transaction may write to these rows and add others meanwhile. uids is borrowed. */
struct msg_pick {
    struct msg_walk walk;
    const struct uidset *uids;
    size_t at; /* private: the range where we are */
    uint32_t below;
    bool few, over;
    struct fault fault;
};
void msg_pick(struct msg_pick *p, struct txn *t, uint64_t mailbox, const struct uidset *uids,
              uint32_t below);
bool msg_pick_next(struct msg_pick *p, struct msg *out);
enum err msg_pick_end(struct msg_pick *p, struct fault *f);
/* All UIDs of the mailbox. */
enum err msg_uids(struct txn *t, uint64_t mailbox, struct uidset *out, struct fault *f);

/* --- writing; each keeps counters, modseqs and the change log right, and sets only flags that the actor may set (acl_flags) --- */

struct msg_new {
    uint64_t blob; /* already counted for this message by blob_put or blob_keep */
    uint64_t bytes;
    struct date internal;
    struct flags_wanted flags;
    uint64_t thread; /* 0: the one that thread_find finds */
};
/* Gives the next UID. ERR_NOTFOUND: no such mailbox. ERR_LIMIT: out of UIDs. */
enum err msg_append(struct txn *t, uint64_t mailbox, const struct msg_new *m, uint32_t *uid_out,
                    struct fault *f);
/* The same for n messages, with one visit to the mailbox's row and one entry in the change log. next gives the nth of them (i from 0);
 * the UIDs follow each other from *first_uid_out on. */
typedef enum err msg_next_fn(struct txn *t, void *arg, size_t i, struct msg_new *out,
                             struct fault *f);
enum err msg_append_all(struct txn *t, uint64_t mailbox, size_t n, msg_next_fn *next, void *arg,
                        uint32_t *first_uid_out, struct fault *f);
/* Copies those of uids (NULL: all) that are there, all or nothing; from_out and to_out in step: the nth UID of one became the nth of the other
 * (RFC 4315 §3). Flags, dates and keywords go along. The sets given out are replaced; NULL where the caller does not want them. */
enum err msg_copy(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                  struct uidset *from_out, struct uidset *to_out, struct fault *f);
/* As msg_copy and msg_expunge in one, without a visit to the bin; but what leaves an account for another's stays in the bin of the first.
 * RFC 6851. */
enum err msg_move(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                  struct uidset *from_out, struct uidset *to_out, struct fault *f);
/* Takes messages away, into the bin. uids NULL: all. only_deleted: only those with \Deleted. gone_out as in msg_copy. */
enum err msg_expunge(struct txn *t, uint64_t mailbox, const struct uidset *uids, bool only_deleted,
                     struct uidset *gone_out, struct fault *f);
/* Takes up to max messages away for good, without a visit to the bin: for accounts that go. */
enum err msg_purge(struct txn *t, uint64_t mailbox, unsigned max, unsigned *gone_out,
                   struct fault *f);
/* --- inside store/: msg_copy and msg_move in one --- */
enum err msg_copy_rows(struct txn *t, uint64_t from, const struct uidset *uids, uint64_t to,
                       bool move, struct uidset *from_out, struct uidset *to_out, struct fault *f);
