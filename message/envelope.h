#pragma once /* message/envelope.h: ENVELOPE of a message header */
#include "common/arena.h"
#include "common/buf.h"

/* Whether ENVELOPE shows the field of that name. */
bool envelope_wants(struct span name);
/* Appends "(date subject from sender reply-to to cc bcc in-reply-to message-id)", RFC 9051 §7.5.2, ready for the wire.
 * header may hold other fields too. At most max_addresses of each list are shown. Scratch memory comes from a.
 * False: out is full. */
bool envelope_put(struct arena *a, struct span header, size_t max_addresses, struct buf *out);
