#pragma once /* imapd/imap_condstore.h: what CONDSTORE and QRESYNC add to the replies of many verbs */
#include "imapd/imap_cmd.h"

/* The session gave a CONDSTORE enabling command. The first one with a mailbox selected is answered by HIGHESTMODSEQ:
 * RFC 7162 §3.1. */
void imap_condstore_on(struct imap_session *s);
/* OK to a command that has taken messages out of the selected mailbox: with QRESYNC and if any went the code is
 * HIGHESTMODSEQ, RFC 7162 §3.2.7 and §3.2.9. */
enum step imap_condstore_reply(struct imap_cmd *c, bool any_went, const char *text);
