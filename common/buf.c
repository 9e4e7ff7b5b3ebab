#include "common/buf.h"
#include "common/mem.h"
#include "common/must.h"

#include <stdarg.h>
#include <stdio.h>

#define BUF_FIRST_BYTES 64

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_fini(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

void buf_trim(struct buf *b)
{
    mem_free(b->p);
    buf_init(b, b->max_bytes);
}

char *buf_room(struct buf *b, size_t n)
{
    if (n > b->max_bytes - b->n) { /* n never passes max_bytes, so this cannot wrap */
        b->full = true;
        return NULL;
    }
    if (!b->p || n > b->cap - b->n) {
        size_t need = b->n + n;
        size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
        while (cap < need)
            cap = cap > b->max_bytes / 2 ? b->max_bytes : cap * 2;
        b->cap = cap < b->max_bytes ? cap : b->max_bytes;
        b->p = mem_grow(b->p, b->cap);
    }
    return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
    must(n <= b->cap - b->n);
    b->n += n;
}

bool buf_add(struct buf *b, struct span s)
{
    if (s.n == 0)
        return true;
    char *to = buf_room(b, s.n);
    if (!to)
        return false;
    memcpy(to, s.p, s.n);
    b->n += s.n;
    return true;
}

bool buf_addz(struct buf *b, const char *z)
{
    return buf_add(b, span_cstr(z));
}

bool buf_byte(struct buf *b, char c)
{
    if (b->n < b->cap) {
        b->p[b->n++] = c;
        return true;
    }
    return buf_add(b, span_of(&c, 1));
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int got = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    must(got >= 0);
    size_t n = (size_t)got;
    bool added;
    if (n < sizeof small) {
        added = buf_add(b, span_of(small, n));
    } else if (n > b->max_bytes - b->n) {
        b->full = true;
        added = false;
    } else { /* by way of a copy: the NUL of vsnprintf may not fit below max_bytes */
        char *large = mem_alloc(n + 1);
        vsnprintf(large, n + 1, fmt, again);
        added = buf_add(b, span_of(large, n));
        mem_free(large);
    }
    va_end(again);
    return added;
}

bool buf_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    return buf_add(b, span_of(digits + at, sizeof digits - at));
}

void buf_eat(struct buf *b, size_t n)
{
    must(n <= b->n);
    b->n -= n;
    if (b->n && n)
        memmove(b->p, b->p + n, b->n);
}
