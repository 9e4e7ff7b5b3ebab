#pragma once /* imapd/imap_status.h: the STATUS response, for STATUS and LIST RETURN (STATUS ...) */
#include "common/scan.h"
#include "imapd/imap_cmd.h"
#include "store/mailbox.h"

/* "(" status-att *(SP status-att) ")" as bits; 0 after a failure. RFC 9051 §9 */
unsigned imap_status_items(struct scan *in);
/* "* STATUS name (...)". */
enum err imap_status_tell(struct imap_session *s, struct txn *t, const struct mailbox *box,
                          unsigned items, struct fault *f);
/* The same for who asked for it. Asking for HIGHESTMODSEQ enables CONDSTORE, RFC 7162 §3.1. */
enum err imap_status_send(struct imap_session *s, struct txn *t, const struct mailbox *box,
                          unsigned items, struct fault *f);
