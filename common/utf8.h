#pragma once /* common/utf8.h: UTF-8, RFC 3629 */
#include "common/span.h"

/* No overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629 §4). */
bool utf8_valid(struct span s);
/* All bytes below 0x80. */
bool utf8_ascii(struct span s);
/* Decodes the first character of s (not empty) into *cp and returns its length in bytes, or 0 if it is not valid. */
size_t utf8_next(struct span s, uint32_t *cp);
/* Writes cp in UTF-8 and returns 1..4. A surrogate or a number above U+10FFFF is written as U+FFFD. */
size_t utf8_put(uint32_t cp, char out[4]);
