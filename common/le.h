#pragma once /* common/le.h: numbers as bytes, little end first (le) or big end first (be); n of them, at most 8 */
#include <stddef.h>
#include <stdint.h>

/* What does not fit n bytes is cut off. */
static inline void le_put(char *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(v >> (8 * i));
}

static inline uint64_t le_get(const char *from, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)from[i] << (8 * i);
    return v;
}

static inline uint32_t le_get32(const char *from)
{
    return (uint32_t)le_get(from, 4);
}

static inline void be_put(char *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(v >> (8 * (n - 1 - i)));
}

static inline uint64_t be_get(const char *from, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)from[i];
    return v;
}
