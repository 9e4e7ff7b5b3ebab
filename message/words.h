#pragma once /* message/words.h: encoded-words, RFC 2047, and the parameters of RFC 2231 */
#include "common/arena.h"

/* A header value (unfolded) as UTF-8 for people and for searching: encoded-words decoded wherever they stand, adjacent
 * ones joined (RFC 2047 §6.2), raw 8-bit bytes kept if valid UTF-8, else read as windows-1252. Never fails. */
struct span words_decode(struct arena *a, struct span value);

/* A value with parameters: Content-Type and Content-Disposition. */
struct words_param {
    struct span name, value; /* value unquoted; still RFC 2047 or 2231 encoded as it came */
};
struct words_params {
    struct span value, subvalue; /* "text" and "plain"; for a disposition subvalue is empty */
    size_t n;
    struct words_param *list; /* in order; at most 128 (RFC 2231 bombs), the rest is dropped */
};
/* Parses generously: missing quotes, stray semicolons, comments. slash: a "/" divides value and subvalue.
 * RFC 2231 pieces stay as they came. */
struct words_params words_params(struct arena *a, struct span text, bool slash);
/* The same with pieces put together: name*0=a; name*1=b comes as name=ab, name*0*=utf-8''a; name*1=b as name*=utf-8''ab (RFC 2231
 * §3 and §4), behind the others. Pieces that are not all there stay as they came. Lives as long as p and a. */
struct words_params words_params_joined(struct arena *a, const struct words_params *p);
/* The value of one parameter with RFC 2231 continuations and charset, and RFC 2047 words, decoded to UTF-8; p NULL if absent. */
struct span words_param_decoded(struct arena *a, const struct words_params *p, struct span name);
