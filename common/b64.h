#pragma once /* common/b64.h: base64, RFC 4648 §4 */
#include "common/arena.h"
#include "common/buf.h"

/* Standard alphabet with padding, no line breaks. False if out is full. */
bool b64_encode(struct span in, struct buf *out);
/* Strict, as SASL wants it: the whole input, right padding, no other bytes (RFC 4648 §3.3). The result is in a.
 * False: not base64. */
bool b64_decode(struct arena *a, struct span in, struct span *out);
/* Value of one base64 digit, or -1: for lenient decoders (MIME). */
int b64_digit(unsigned char c);
