#pragma once /* message/digest_header.h: makes the digest of a message from its header */
#include "message/digest.h"

/* Whether digest_header reads the field of that name, beyond those that the caller has read for it. */
bool digest_header_wants(struct span name);
/* Appends the record. known: dated and sent, and in subject the whole subject, decoded to UTF-8 and unfolded; the rest
 * comes from header. Scratch memory comes from a. */
void digest_header(struct arena *a, struct span header, const struct digest *known,
                   struct buf *out);
