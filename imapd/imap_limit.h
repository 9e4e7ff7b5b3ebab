#pragma once /* imapd/imap_limit.h: how many messages one command may touch, RFC 9738 */
#include "imapd/imap_cmd.h"
#include "store/uidset.h"

/* Leaves the highest imapd_limits.message_count of uids, where that is set (RFC 9738 §3.1: from highest to lowest).
 * NULL: they were not more; else the code "MESSAGELIMIT 1000 23221" in c->arena. */
const char *imap_limit_cut(struct imap_cmd *c, struct uidset *uids);
/* For COPY, which does all or nothing: leaves uids as they are, and imapd_limits.save_count counts too. */
const char *imap_limit_over(struct imap_cmd *c, struct uidset *uids);
/* "MESSAGELIMIT 1000", where nothing was done. */
const char *imap_limit_refused(struct imap_cmd *c);
