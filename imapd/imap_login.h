#pragma once /* imapd/imap_login.h: which mechanisms of SASL a client may use */
#include "common/buf.h"

struct imap_session;
bool imap_login_offers(const struct imap_session *s);
/* "PLAIN AUTH=LOGIN": what follows the first "AUTH=". */
void imap_login_mechanisms(const struct imap_session *s, struct buf *out);
