#pragma once /* common/span.h: bytes someone else owns */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes someone else owns. Never NUL-terminated, never freed through this. p may be NULL only if n is 0. */
struct span {
    const char *p;
    size_t n;
};

/* A span of a string literal, without its NUL. */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})
/* The same as a constant initializer, for static tables. */
#define SPAN_ROW(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
/* For printf: "%.*s", SPAN_ARG(s). Log lines use log_event's escaping instead. */
#define SPAN_ARG(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){p, n};
}

static inline struct span span_cstr(const char *z)
{
    return (struct span){z, z ? strlen(z) : 0};
}

/* Everything from offset i on; i must not be larger than s.n. */
static inline struct span span_from(struct span s, size_t i)
{
    return (struct span){i ? s.p + i : s.p, s.n - i}; /* NULL + 0 is not defined */
}

/* The first i bytes, or all of s if it is shorter. */
static inline struct span span_to(struct span s, size_t i)
{
    return (struct span){s.p, i < s.n ? i : s.n};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters without regard to case; other bytes exactly. Independent of the locale. */
bool span_eq_ci(struct span a, struct span b);
bool span_starts_ci(struct span s, struct span prefix);
/* Like memcmp with the shorter one first; span_cmp_ci folds ASCII case. */
int span_cmp(struct span a, struct span b);
int span_cmp_ci(struct span a, struct span b);
/* Index of the first c, or s.n if there is none. */
size_t span_find(struct span s, char c);
/* Index of the first occurrence of needle, or s.n if there is none. An empty needle is found at 0. */
size_t span_find_span(struct span s, struct span needle);
/* Without the spaces, tabs, CRs and LFs at both ends. */
struct span span_trim(struct span s);
/* Decimal digits only, the whole span, no overflow; false leaves *out alone. */
bool span_u64(struct span s, uint64_t *out);
bool span_u32(struct span s, uint32_t *out);

static inline unsigned char span_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}
