#include "common/span.h"

bool span_eq_ci(struct span a, struct span b)
{
    return a.n == b.n && span_starts_ci(a, b);
}

bool span_starts_ci(struct span s, struct span prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++)
        if (span_lower((unsigned char)s.p[i]) != span_lower((unsigned char)prefix.p[i]))
            return false;
    return true;
}

static int span_cmp_length(struct span a, struct span b)
{
    return (a.n > b.n) - (a.n < b.n);
}

int span_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : span_cmp_length(a, b);
}

int span_cmp_ci(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        int order = span_lower((unsigned char)a.p[i]) - span_lower((unsigned char)b.p[i]);
        if (order)
            return order;
    }
    return span_cmp_length(a, b);
}

size_t span_find(struct span s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t span_find_span(struct span s, struct span needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

static bool span_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.n && span_is_blank(s.p[0]))
        s = span_from(s, 1);
    while (s.n && span_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool span_u64(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (s.n)
        *out = v;
    return s.n > 0;
}

bool span_u32(struct span s, uint32_t *out)
{
    uint64_t v;
    if (!span_u64(s, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}
