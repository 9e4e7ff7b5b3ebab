#pragma once /* imapd/imap_append.h: messages on their way into a mailbox, for APPEND and REPLACE */
#include "imapd/imap_cmd.h"

/* c->args stands behind what is the verb's own: a mailbox, and the message (or, replaced_uid is 0, messages) to be put
 * there. replaced_uid: of the selected mailbox, goes in the same operation. */
enum step imap_append_begin(struct imap_cmd *c, uint32_t replaced_uid);
