#include "common/b64.h"

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool b64_encode(struct span in, struct buf *out)
{
    size_t groups = in.n / 3 + (in.n % 3 != 0);
    size_t n = groups <= SIZE_MAX / 4 ? groups * 4 : SIZE_MAX; /* the latter fits into no buffer */
    char *to = buf_room(out, n);
    if (!to)
        return false;
    const unsigned char *p = (const unsigned char *)in.p;
    size_t left = in.n;
    for (; left >= 3; left -= 3, p += 3, to += 4) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        to[0] = b64_digits[v >> 18];
        to[1] = b64_digits[v >> 12 & 63];
        to[2] = b64_digits[v >> 6 & 63];
        to[3] = b64_digits[v & 63];
    }
    if (left) {
        uint32_t v = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
        to[0] = b64_digits[v >> 18];
        to[1] = b64_digits[v >> 12 & 63];
        to[2] = left == 2 ? b64_digits[v >> 6 & 63] : '=';
        to[3] = '=';
    }
    buf_grew(out, n);
    return true;
}

int b64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* digits (2 to 4 of them) to bytes (one less); false if one is not a digit or bits are left over
 * that are not zero (RFC 4648 §3.5). */
static bool b64_group(const char *in, size_t digits, char *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        int d = i < digits ? b64_digit((unsigned char)in[i]) : 0;
        if (d < 0)
            return false;
        v = v << 6 | (uint32_t)d;
    }
    uint32_t left_over = digits == 4 ? 0 : digits == 3 ? v & 0xff : v & 0xffff;
    for (size_t i = 0; i < digits - 1; i++)
        out[i] = (char)(v >> (16 - 8 * i) & 0xff);
    return left_over == 0;
}

bool b64_decode(struct arena *a, struct span in, struct span *out)
{
    if (in.n % 4 != 0)
        return false;
    size_t digits = in.n;
    for (int pads = 0; pads < 2 && digits && in.p[digits - 1] == '='; pads++)
        digits--;
    char *bytes = arena_alloc(a, in.n / 4 * 3);
    size_t n = 0;
    for (size_t at = 0; at < digits; at += 4) {
        size_t group = digits - at < 4 ? digits - at : 4;
        if (!b64_group(in.p + at, group, bytes + n))
            return false;
        n += group - 1;
    }
    *out = span_of(bytes, n);
    return true;
}
