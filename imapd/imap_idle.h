#pragma once /* imapd/imap_idle.h: what the session's deadline asks of IDLE */
struct imap_session;
/* "* OK Still here" is due. */
void imap_idle_still(struct imap_session *s);
