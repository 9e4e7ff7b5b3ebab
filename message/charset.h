#pragma once /* message/charset.h: any charset to UTF-8 */
#include "common/buf.h"

/* Knows the labels that mail uses (with the WHATWG aliases: "latin1" and "iso-8859-1" read as windows-1252 there),
 * through glibc iconv behind an allow-list. UTF-8, ASCII and the Latin ones have fast paths. */
struct charset;

/* NULL: we do not know the label. Holds an iconv descriptor: charset_free it. Case-insensitive. */
struct charset *charset_new(struct span label);
void charset_free(struct charset **c);
/* Known without opening it: for SEARCH CHARSET, RFC 9051 §6.4.4. */
bool charset_known(struct span label);
/* Streams in to out; bytes that mean nothing become U+FFFD; a character cut at the end of in waits for the next call,
 * or becomes U+FFFD if last. False: out is full. */
bool charset_convert(struct charset *c, struct span in, bool last, struct buf *out);
