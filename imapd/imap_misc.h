#pragma once /* imapd/imap_misc.h: what we can do, for the greeting and after authentication */
#include <stdbool.h>

struct imap_session;
/* "CAPABILITY IMAP4rev1 ..." as the session's state has it, in the command's arena. */
const char *imap_misc_capabilities(struct imap_session *s);
/* Passwords may be sent: TLS stands, or the service allows it from loopback. RFC 9051 §11.1, RFC
 * 8314 §3. */
bool imap_misc_may_login(const struct imap_session *s);
