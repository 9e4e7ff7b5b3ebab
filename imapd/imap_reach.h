#pragma once /* imapd/imap_reach.h: from a name that the client gave to a mailbox it may use */
#include "store/acl.h"

struct imap_session;

/* Where the mailboxes of others stand, RFC 2342: this, then the owner's address as one level, then the name that the owner
 * has for it. An own mailbox of such a name, made before, goes first. */
#define IMAP_REACH_OTHERS "Other Users/"
#define IMAP_REACH_SHARED "Shared/"

/* The one door to mailboxes by name: own ones, those of other users and shared ones (RFC 2342). Finds the mailbox and
 * asks acl_authorize for rights (of enum acl_right). out is in a; its name is the one that this session knows it by, and
 * only own ones have special uses. ERR_NOTFOUND: there is none, or the user may not know of it: the same to the byte for
 * the client. ERR_DENIED: it may not do that: NOPERM. Both in snapshots and, again, in the operation that writes. */
enum err imap_reach(struct imap_session *s, struct txn *t, struct arena *a, struct span name,
                    unsigned rights, struct mailbox *out, struct fault *f);
/* Whose mailbox such a name would be, and what its owner calls it (points into name): for what names a mailbox that is
 * not there yet. ERR_NOTFOUND: no such owner. */
enum err imap_reach_owner(struct imap_session *s, struct txn *t, struct span name,
                          uint64_t *account_out, struct span *own_name_out, struct fault *f);
/* The same for CREATE and RENAME: the user has the right "k" on the nearest mailbox above that is there (RFC 4314 §4); at
 * the top of an own account none is needed, at the top of a shared one that on its INBOX. ERR_DENIED: whatever the
 * reason. ERR_INVALID: a root of the other namespaces. */
enum err imap_reach_new(struct imap_session *s, struct txn *t, struct span name,
                        uint64_t *account_out, struct span *own_name_out, struct fault *f);
/* The name lies in one of the other namespaces, by its look alone. */
bool imap_reach_is_foreign(struct span name);
/* The selected mailbox, in an operation that changes it: what the session was allowed at SELECT may have been taken
 * from it since. ERR_NOTFOUND: the mailbox is gone. */
enum err imap_reach_selected(struct imap_session *s, struct txn *t, unsigned rights,
                             struct fault *f);
/* For STORE: ERR_OK if at least one of the flags that the change would touch may be changed; the store itself leaves the
 * others (acl_flags). RFC 4314 §4 */
struct flags_change;
enum err imap_reach_flags(struct imap_session *s, struct txn *t, const struct flags_change *change,
                          struct fault *f);
/* The name that the session knows a mailbox of that owner by; in a. ERR_NOTFOUND: the owner is gone, or no command could
 * name it. */
enum err imap_reach_name(struct imap_session *s, struct txn *t, struct arena *a, uint64_t owner,
                         struct span own_name, struct span *out, struct fault *f);
/* Every mailbox of others that the account may LIST, by the name it has there, in no order, one after the other; each step may
 * be in a snapshot of its own. All in a. */
struct imap_reach_walk {
    struct arena *a;
    uint64_t account;
    uint64_t *ids; /* of mailboxes with an entry for it, in order */
    size_t n, at;
    uint64_t owner;     /* of the last one, */
    struct span prefix; /* and what the names of that owner's begin with */
};
enum err imap_reach_walk(struct imap_reach_walk *w, struct txn *t, struct arena *a,
                         uint64_t account, struct fault *f);
/* The next of them. *seen: the user may know of it, and out is there; else there is nothing to tell of it. ERR_NOTFOUND: that
 * was all. */
enum err imap_reach_walk_next(struct imap_reach_walk *w, struct txn *t, struct mailbox *out,
                              bool *seen, struct fault *f);
/* One of them by its id. ERR_NOTFOUND: it is not, or no longer, one of those. */
enum err imap_reach_others(struct txn *t, struct arena *a, uint64_t account, uint64_t id,
                           struct mailbox *out, struct fault *f);
