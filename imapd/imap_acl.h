#pragma once /* imapd/imap_acl.h: the MYRIGHTS response, for MYRIGHTS and LIST RETURN (MYRIGHTS) */
#include "common/fault.h"

struct imap_session;
struct mailbox;
struct txn;
/* "* MYRIGHTS name rights", RFC 4314 §3.8, with the name that box has. */
enum err imap_acl_myrights(struct imap_session *s, struct txn *t, const struct mailbox *box,
                           struct fault *f);
