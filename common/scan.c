#include "common/scan.h"

static const struct span scan_nothing = {"", 0};

bool scan_fail(struct scan *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

/* The next n bytes, which the caller knows are there. */
static struct span scan_eat(struct scan *s, size_t n)
{
    struct span got = span_to(span_from(s->in, s->at), n);
    s->at += n;
    return got;
}

int scan_peek(const struct scan *s)
{
    return scan_done(s) ? -1 : (unsigned char)s->in.p[s->at];
}

void scan_byte(struct scan *s, char c, const char *why)
{
    if (!scan_try(s, c))
        scan_fail(s, why);
}

bool scan_try(struct scan *s, char c)
{
    if (scan_peek(s) != (unsigned char)c)
        return false;
    s->at++;
    return true;
}

bool scan_try_word(struct scan *s, struct span word)
{
    if (!scan_ok(s) || !span_starts_ci(scan_rest(s), word))
        return false;
    s->at += word.n;
    return true;
}

struct span scan_until(struct scan *s, char c, const char *why)
{
    struct span rest = scan_rest(s);
    size_t n = span_find(rest, c);
    if (n == rest.n) {
        scan_fail(s, why);
        return scan_nothing;
    }
    return scan_eat(s, n);
}

struct span scan_while(struct scan *s, bool (*is)(unsigned char))
{
    struct span rest = scan_rest(s);
    size_t n = 0;
    while (n < rest.n && is((unsigned char)rest.p[n]))
        n++;
    return n ? scan_eat(s, n) : scan_nothing;
}

static bool scan_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

uint64_t scan_u64(struct scan *s, const char *why)
{
    uint64_t v = 0;
    if (!span_u64(scan_while(s, scan_is_digit), &v))
        scan_fail(s, why);
    return v;
}

uint32_t scan_u32(struct scan *s, const char *why)
{
    uint32_t v = 0;
    if (!span_u32(scan_while(s, scan_is_digit), &v))
        scan_fail(s, why);
    return v;
}

struct span scan_take(struct scan *s, size_t n, const char *why)
{
    if (!scan_ok(s) || n > s->in.n - s->at) {
        scan_fail(s, why);
        return scan_nothing;
    }
    return scan_eat(s, n);
}

void scan_end(struct scan *s, const char *why)
{
    if (!scan_done(s))
        scan_fail(s, why);
}
