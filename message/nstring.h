#pragma once /* message/nstring.h: bytes as IMAP strings */
#include "common/buf.h"

/* nstring = string / nil    RFC 9051 §9. s.p NULL: NIL. Quoted if short and made of printable ASCII (and tabs), else a
 * literal; a NUL, which no string may hold, becomes "?". False: out is full. */
bool nstring_put(struct buf *out, struct span s);
