#pragma once /* common/arena.h: memory that dies together */
#include "common/span.h"

/* A lifetime: allocations are freed all at once. One arena belongs to one thread at a time.
 * With -DARENA_DEBUG each allocation is a malloc of its own, so that ASan sees every overrun. */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **a); /* NULL is fine */
void arena_reset(struct arena *a); /* frees all allocations, keeps one block for the next use */
/* Gives every block back to the system, keeps only the arena itself: for idle sessions. */
void arena_trim(struct arena *a);

/* Never NULL, aligned for any type, not zeroed; n = 0 is allowed. Peers never choose n without a limit before. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
#define arena_new_of(a, type) ((type *)arena_zalloc((a), sizeof(type)))
/* A copy that lives as long as the arena; NUL follows the last byte (not counted). */
struct span arena_keep(struct arena *a, struct span s);
char *arena_cstr(struct arena *a, struct span s);
struct span arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);
