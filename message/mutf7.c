#include "message/mutf7.h"
#include "common/utf8.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Printable US-ASCII stands for itself, "&" as "&-". */
static bool is_direct(uint32_t c)
{
    return c >= 0x20 && c <= 0x7e;
}

static int digit_value(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* UTF-16 on its way to UTF-8. */
struct units {
    uint32_t high; /* a high surrogate that waits for its other half, or 0 */
    char *out;
    size_t n;
};

/* Takes one unit; false on half a pair, or on a character that had to stand for itself. */
static bool units_take(struct units *u, uint32_t unit)
{
    if (u->high) {
        if (unit < 0xdc00 || unit > 0xdfff)
            return false;
        unit = 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00);
        u->high = 0;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
        u->high = unit;
        return true;
    } else if ((unit >= 0xdc00 && unit <= 0xdfff) || is_direct(unit)) {
        return false;
    }
    u->n += utf8_put(unit, u->out + u->n);
    return true;
}

/* The digits between "&" and "-": whole units, and the bits left over are fewer than a digit and
 * zero. */
static bool shifted(struct span run, struct units *u)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < run.n; i++) {
        int v = digit_value(run.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 16) {
            have -= 16;
            if (!units_take(u, bits >> have & 0xffff))
                return false;
        }
    }
    return u->high == 0 && have < 6 && (bits & ((1u << have) - 1)) == 0;
}

bool mutf7_decode(struct arena *a, struct span in, struct span *utf8_out)
{
    /* eight digits are three units, nine bytes at most */
    struct units u = {.out = arena_alloc(a, in.n + in.n / 8 + 4)};
    bool after_shift = false;
    for (size_t i = 0; i < in.n; i++) {
        if (!is_direct((unsigned char)in.p[i]))
            return false;
        if (in.p[i] != '&') {
            u.out[u.n++] = in.p[i];
            after_shift = false;
            continue;
        }
        struct span rest = span_from(in, i + 1);
        size_t n = span_find(rest, '-');
        if (n == rest.n)
            return false;
        if (n == 0) {
            u.out[u.n++] = '&';
        } else if (after_shift || !shifted(span_to(rest, n), &u)) {
            return false; /* "&...-&...-" says in two shifts what one would */
        }
        after_shift = n > 0;
        i += n + 1;
    }
    *utf8_out = span_of(u.out, u.n);
    return true;
}

/* One run of characters that cannot stand for themselves, on its way out. */
struct shift {
    bool open;
    uint32_t bits;
    unsigned have;
    char *out;
    size_t n;
};

static void shift_unit(struct shift *s, uint32_t unit)
{
    s->bits = s->bits << 16 | unit;
    s->have += 16;
    while (s->have >= 6) {
        s->have -= 6;
        s->out[s->n++] = digits[s->bits >> s->have & 63];
    }
}

static void shift_char(struct shift *s, uint32_t cp)
{
    if (!s->open)
        s->out[s->n++] = '&';
    s->open = true;
    if (cp >= 0x10000) {
        shift_unit(s, 0xd800 + ((cp - 0x10000) >> 10));
        cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
    }
    shift_unit(s, cp);
}

static void shift_close(struct shift *s)
{
    if (!s->open)
        return;
    if (s->have > 0)
        s->out[s->n++] = digits[s->bits << (6 - s->have) & 63];
    s->out[s->n++] = '-';
    s->open = false;
    s->have = 0;
    s->bits = 0;
}

struct span mutf7_encode(struct arena *a, struct span utf8)
{
    /* at worst a lone control character: "&AAE-", five for one */
    struct shift s = {.out = arena_alloc(a, 5 * utf8.n + 1)};
    while (utf8.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(utf8, &cp);
        if (n == 0) { /* not as promised: U+FFFD */
            cp = 0xfffd;
            n = 1;
        }
        if (is_direct(cp)) {
            shift_close(&s);
            s.out[s.n++] = (char)cp;
            if (cp == '&')
                s.out[s.n++] = '-';
        } else {
            shift_char(&s, cp);
        }
        utf8 = span_from(utf8, n);
    }
    shift_close(&s);
    return span_of(s.out, s.n);
}
