#pragma once /* imapd/imap_use.h: special-use attributes, RFC 6154 §2, RFC 8457 §5 and RFC 9979 §8 */
#include "common/span.h"

/* The bit of enum mailbox_use for a name without its backslash; 0: there is no such use. */
uint32_t imap_use_named(struct span name);
/* "\Sent" for the nth bit, or NULL beyond the last. */
const char *imap_use_name(unsigned nth, uint32_t *bit_out);
