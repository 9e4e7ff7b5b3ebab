#pragma once /* message/mutf7.h: mailbox names on the wire of RFC 3501 §5.1.3 */
#include "common/arena.h"

/* Modified UTF-7 to UTF-8, strictly: false on a non-canonical or broken form (then the name is refused). */
bool mutf7_decode(struct arena *a, struct span in, struct span *utf8_out);
/* Valid UTF-8 to modified UTF-7. */
struct span mutf7_encode(struct arena *a, struct span utf8);
