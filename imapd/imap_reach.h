#pragma once /* imapd/imap_reach.h: from a name that the client gave to a mailbox it may use */
#include "store/acl.h"

struct imap_session;

/* The one door to mailboxes by name: own ones, those of other users and shared ones (RFC 2342). Finds the mailbox and
 * asks acl_authorize for rights (of enum acl_right). out is in a; its name is the one that this session knows it by.
 * ERR_NOTFOUND: there is none, or the user may not know of it: the same to the byte for the client. ERR_DENIED: it may
 * not do that: NOPERM. Both in snapshots and, again, in the operation that writes. */
enum err imap_reach(struct imap_session *s, struct txn *t, struct arena *a, struct span name,
                    unsigned rights, struct mailbox *out, struct fault *f);
/* Whose mailbox such a name would be, and what its owner calls it (points into name): for CREATE and what else names a
 * mailbox that is not there yet. ERR_NOTFOUND: no such owner. */
enum err imap_reach_owner(struct imap_session *s, struct txn *t, struct span name,
                          uint64_t *account_out, struct span *own_name_out, struct fault *f);
/* The selected mailbox, in an operation that changes it: what the session was allowed at SELECT may have been taken
 * from it since. ERR_NOTFOUND: the mailbox is gone. */
enum err imap_reach_selected(struct imap_session *s, struct txn *t, unsigned rights,
                             struct fault *f);
