#pragma once /* imapd/imap_capability.h: what we announce, and what a client may switch on */
#include <stdbool.h>

struct imap_session;

/* "CAPABILITY IMAP4rev1 ..." as the session's state has it, in the command's arena. The table in
 * imapd/imap_capability.c is the policy: what is announced works, all of it. */
const char *imap_capability_text(struct imap_session *s);
