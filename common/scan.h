#pragma once /* common/scan.h: a cursor with a sticky error: walk once, check once */
#include "common/span.h"

/* Walks a complete command. After the first failure every call is a no-op that returns an empty value, so a
 * grammar rule is written straight down and scan_ok is asked once at the end. */
struct scan {
    struct span in;
    size_t at;
    const char
        *why; /* NULL while all is well; else what was expected (static text, fit for a reply) */
};

static inline struct scan scan_of(struct span in)
{
    return (struct scan){in, 0, NULL};
}
static inline bool scan_ok(const struct scan *s)
{
    return s->why == NULL;
}
static inline bool scan_done(const struct scan *s)
{
    return s->why || s->at >= s->in.n;
}
static inline struct span scan_rest(const struct scan *s)
{
    return s->why ? (struct span){"", 0} : span_from(s->in, s->at);
}

/* Records the first failure; later ones do not replace it. Always returns false. */
bool scan_fail(struct scan *s, const char *why);
/* The next byte without taking it, or -1 at the end or after a failure. */
int scan_peek(const struct scan *s);
/* Takes one byte c, or fails with why (a static text). */
void scan_byte(struct scan *s, char c, const char *why);
/* Takes c if it is next. */
bool scan_try(struct scan *s, char c);
/* Takes word, ASCII case-insensitively, if it is next; does not look at what follows it. */
bool scan_try_word(struct scan *s, struct span word);
/* The bytes before the next c (which is left standing), or fails if there is no c. */
struct span scan_until(struct scan *s, char c, const char *why);
/* The longest run of bytes for which is(byte) holds; may be empty. */
struct span scan_while(struct scan *s, bool (*is)(unsigned char));
/* At least one decimal digit; fails on none or on overflow. */
uint64_t scan_u64(struct scan *s, const char *why);
uint32_t scan_u32(struct scan *s, const char *why);
/* Exactly n bytes, or fails. */
struct span scan_take(struct scan *s, size_t n, const char *why);
/* Fails unless everything was taken. */
void scan_end(struct scan *s, const char *why);
