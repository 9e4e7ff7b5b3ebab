#pragma once /* imapd/imap_metadata.h: entries of mailboxes, for LIST RETURN (METADATA ...) */
#include "common/scan.h"
#include "imapd/imap_session.h"

/* entry = astring, in lower case; RFC 5464 §5. top: "/private" and "/shared" are entries, too. */
struct span imap_metadata_entry(struct scan *in, struct arena *a, bool top);
/* "* METADATA name (...)" of a mailbox that the user may list, NIL for entries that are not there (RFC 9590 §4); nothing
 * where it has no right to them. */
enum err imap_metadata_tell(struct imap_session *s, struct txn *t, struct arena *a,
                            const struct mailbox *box, const struct span *names, size_t n,
                            struct fault *f);
