#pragma once /* imapd/imap_rows.h: the rows of a set of messages, walked in slices */
#include "store/msg.h"

/* Plain value. Between two slices only the next UID is kept, so that no transaction outlives a
 * slice. */
struct imap_rows {
    const struct uidset *uids; /* borrowed */
    uint64_t mailbox;
    uint32_t next;     /* UID to look for; 0: done */
    bool few, missing; /* missing: one of them was not there any more */
    struct txn *t;
    struct msg_walk walk;
    bool walking;
    struct fault fault;
};
void imap_rows_init(struct imap_rows *r, uint64_t mailbox, const struct uidset *uids);
/* A slice: t must live until imap_rows_end. */
void imap_rows_begin(struct imap_rows *r, struct txn *t);
/* The next of them that is there; its keywords are valid until the next call. False: no more, or
 * an error that imap_rows_end tells. */
bool imap_rows_next(struct imap_rows *r, struct msg *out);
/* so_far: what became of the rows' use; an error in it is what is returned, and f stays as it is. */
enum err imap_rows_end(struct imap_rows *r, enum err so_far, struct fault *f);
