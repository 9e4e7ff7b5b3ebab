#pragma once /* common/mem.h: the heap, with one policy for when it is empty */
#include <stddef.h>

/* Out of memory ends the process in order (exit code 75, one log line): nothing that was not on disk has been
 * acknowledged, and the supervisor starts us again. Sizes that a peer chooses pass a limit first. */
void *mem_alloc(size_t n); /* not zeroed; never NULL */
void *mem_zalloc(size_t n);
void *mem_grow(void *p, size_t n); /* as realloc */
void mem_free(void *p);            /* NULL is fine */
char *mem_strdup(const char *z);
#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

/* The same heap for libraries that can live with NULL (Berkeley DB, OpenSSL, libevent): counted by trip, may fail. */
void *mem_try(size_t n);
void *mem_try_grow(void *p, size_t n);
