#pragma once /* imapd/imap_since.h: what changed in the selected mailbox after a MODSEQ, from the log of changes */
#include "imapd/imap_cmd.h"
#include "store/uidset.h"

/* Read in slices; costs what has changed. Where the log no longer reaches back so far, whole is set: then any message may
 * have changed (the rows' MODSEQs tell), and gone is every UID that was given and is not there. */
struct imap_since {
    uint64_t modseq; /* changes after this one */
    uint64_t at;     /* the log has been read up to here */
    bool whole, done;
    struct uidset changed, gone; /* UIDs; of changed some may be gone */
};
void imap_since_init(struct imap_since *x, uint64_t modseq);
void imap_since_fini(struct imap_since *x);
/* A slice, in a snapshot of its own; x->done after the last one. gone holds no UID that the session still counts: those
 * are its news. */
enum err imap_since_slice(struct imap_cmd *c, struct imap_since *x, struct fault *f);
