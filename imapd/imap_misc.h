#pragma once /* imapd/imap_misc.h: whether a session may send its password */
#include <stdbool.h>

struct imap_session;
/* TLS stands, or the service allows it from loopback. RFC 9051 §11.1, RFC 8314 §3. */
bool imap_misc_may_login(const struct imap_session *s);
