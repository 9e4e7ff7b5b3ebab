#include "common/utf8.h"

#define UTF8_HIGH_BITS UINT64_C(0x8080808080808080)

/* How many bytes at the start of s are ASCII, or a few less. */
static size_t utf8_skip_ascii(struct span s)
{
    size_t at = 0;
    for (uint64_t eight; s.n - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, s.p + at, sizeof eight);
        if (eight & UTF8_HIGH_BITS)
            break;
    }
    return at;
}

bool utf8_ascii(struct span s)
{
    for (size_t at = utf8_skip_ascii(s); at < s.n; at++)
        if ((unsigned char)s.p[at] >= 0x80)
            return false;
    return true;
}

bool utf8_valid(struct span s)
{
    while (s.n > 0) {
        s = span_from(s, utf8_skip_ascii(s));
        uint32_t cp;
        for (int i = 0; i < 8 && s.n > 0; i++) {
            size_t n = utf8_next(s, &cp);
            if (n == 0)
                return false;
            s = span_from(s, n);
        }
    }
    return true;
}

/* UTF8-2, UTF8-3 and UTF8-4 of RFC 3629 §4: the second byte has a narrower range after E0, ED, F0
 * and F4. */
static bool utf8_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

size_t utf8_next(struct span s, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n == 0)
        return 0;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    size_t n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < n || !utf8_second(p[0], p[1]))
        return 0;
    uint32_t v = (uint32_t)p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3fU);
    }
    *cp = v;
    return n;
}

size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        cp = 0xfffd;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)((0xf00U >> n & 0xf0) | cp);
    return n;
}
