#pragma once /* imapd/imap_vanished.h: the VANISHED response */
#include "store/uidset.h"

struct imap_session;

/* True: this client hears of expunged messages by UID: RFC 7162 §3.2.10, RFC 9586 §3.4. */
bool imap_vanished_wanted(const struct imap_session *s);
/* "* VANISHED 405,407,410:425", or with "(EARLIER)" before the UIDs, from range *at on, in lines of a bounded length, as
 * long as the output has room and the turn has time. True: all are told; else call again when it has. */
bool imap_vanished_tell(struct imap_session *s, const struct uidset *gone, bool earlier,
                        size_t *at);
