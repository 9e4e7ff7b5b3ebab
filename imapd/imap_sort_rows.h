#pragma once /* imapd/imap_sort_rows.h: of the messages that SORT and THREAD have found: what their rows and digests tell */
#include "imapd/imap_session.h"
#include "imapd/imap_rows.h"
#include "store/digest_rows.h"

struct imap_sort_row {
    uint32_t uid;
    uint8_t score; /* of RELEVANCY, 1 to 100; 0 until the caller sets it */
    uint64_t bytes;
    int64_t arrived; /* INTERNALDATE, UTC */
};
/* Called for each message in the order of the mailbox; d is empty (and not dated) where there is no digest. */
typedef void imap_sort_note(void *arg, size_t nth, const struct imap_sort_row *row,
                            const struct digest *d);

/* Plain value. First all rows, then, if note is given, their digests; each in slices with snapshots of their own. */
struct imap_sort_rows {
    size_t n; /* messages that were there */
    struct imap_sort_row *list;
    struct imap_session *session; /* private from here */
    struct imap_rows rows;
    uint64_t *bodies;
    size_t cap, at;
    bool all_read;
};
/* uids: borrowed until the rows are read. */
void imap_sort_rows_init(struct imap_sort_rows *r, struct imap_session *s, uint64_t mailbox,
                         const struct uidset *uids);
/* One slice. begin: called once, when n is known. Both may be NULL. */
enum err imap_sort_rows_more(struct imap_sort_rows *r, void (*begin)(void *arg, size_t n),
                             imap_sort_note *note, void *arg, bool *done, struct fault *f);
void imap_sort_rows_fini(struct imap_sort_rows *r); /* zeroes are fine */
