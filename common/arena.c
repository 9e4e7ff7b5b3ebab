#include "common/arena.h"
#include "common/mem.h"
#include "common/must.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#define ARENA_FIRST_BYTES 1024  /* a block with its header */
#define ARENA_LAST_BYTES 65536  /* blocks double up to this */
#define ARENA_LARGE_BYTES 16384 /* an allocation above this has a block of its own */

struct arena_block {
    struct arena_block *next;
    size_t size; /* with this header */
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct arena_block *blocks; /* the first one is being filled */
    struct arena_block *large;  /* one allocation each */
    size_t at;                  /* the next free byte in the first block */
    size_t used;
};

struct arena *arena_new(void)
{
    return mem_new(struct arena);
}

void arena_free(struct arena **a)
{
    if (*a)
        arena_trim(*a);
    mem_free(*a);
    *a = NULL;
}

static void arena_drop(struct arena_block **first)
{
    while (*first) {
        struct arena_block *b = *first;
        *first = b->next;
        mem_free(b);
    }
}

void arena_reset(struct arena *a)
{
    arena_drop(&a->large);
    if (a->blocks) /* the newest block is the largest: the next use will hardly need another */
        arena_drop(&a->blocks->next);
    a->at = 0;
    a->used = 0;
}

void arena_trim(struct arena *a)
{
    arena_reset(a);
    arena_drop(&a->blocks);
}

static void arena_push(struct arena_block **first, size_t size)
{
    struct arena_block *b = mem_alloc(size);
    b->next = *first;
    b->size = size;
    *first = b;
}

#ifdef ARENA_DEBUG
static bool arena_is_large(size_t n)
{
    (void)n;
    return true;
}
#else
static bool arena_is_large(size_t n)
{
    return n > ARENA_LARGE_BYTES;
}
#endif

/* align is a power of two, at most that of max_align_t. */
static void *arena_take(struct arena *a, size_t n, size_t align)
{
    must(n <= SIZE_MAX / 2);
    a->used += n;
    if (arena_is_large(n)) {
        arena_push(&a->large, sizeof(struct arena_block) + n);
        return a->large->bytes;
    }
    size_t room = a->blocks ? a->blocks->size - sizeof(struct arena_block) : 0;
    size_t at = (a->at + align - 1) & ~(align - 1);
    if (!a->blocks || at > room || n > room - at) {
        size_t size = a->blocks ? a->blocks->size * 2 : ARENA_FIRST_BYTES;
        while (size < sizeof(struct arena_block) + n)
            size *= 2;
        arena_push(&a->blocks, size < ARENA_LAST_BYTES ? size : ARENA_LAST_BYTES);
        at = 0;
    }
    a->at = at + n;
    return a->blocks->bytes + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
    return arena_take(a, n, alignof(max_align_t));
}

void *arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

char *arena_cstr(struct arena *a, struct span s)
{
    must(s.n < SIZE_MAX / 2);
    char *copy = arena_take(a, s.n + 1, 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

struct span arena_keep(struct arena *a, struct span s)
{
    return span_of(arena_cstr(a, s), s.n);
}

struct span arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int got = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    must(got >= 0);
    size_t n = (size_t)got;
    char *text;
    if (n < sizeof small) {
        text = arena_cstr(a, span_of(small, n));
    } else {
        text = arena_take(a, n + 1, 1);
        vsnprintf(text, n + 1, fmt, again);
    }
    va_end(again);
    return span_of(text, n);
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
