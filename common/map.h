#pragma once /* common/map.h: bytes to pointer, hashed with a secret key */
#include "common/span.h"

/* Keys are copied. Hashed by SipHash-1-3 with a key chosen at start, so peers cannot choose collisions.
 * Not thread-safe; values are the caller's. */
struct map;

struct map *map_new(void);
void map_free(struct map **m);                             /* NULL is fine; values are left alone */
void *map_get(const struct map *m, struct span key);       /* NULL if absent */
void map_put(struct map *m, struct span key, void *value); /* replaces; value must not be NULL */
void *map_take(struct map *m, struct span key);            /* removes and returns, NULL if absent */
size_t map_count(const struct map *m);
/* Calls fn for each entry in no particular order; fn may not change the map. */
void map_each(const struct map *m, void (*fn)(void *arg, struct span key, void *value), void *arg);
/* The keyed hash itself, for tables that are not maps. */
uint64_t map_hash(struct span key);
