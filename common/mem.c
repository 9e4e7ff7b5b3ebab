#include "common/mem.h"
#include "common/log.h"
#include "common/trip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEM_EXIT_CODE 75 /* EX_TEMPFAIL of sysexits.h: the supervisor starts us again */

/* Allocates nothing: log_event builds its line on the stack. _exit, because handlers would want
 * memory. */
static _Noreturn void mem_exhausted(size_t n)
{
    log_event(LOG_ERROR, NULL, "mem.exhausted", "bytes=%zu", n);
    _exit(MEM_EXIT_CODE);
}

static size_t mem_size(size_t n)
{
    return n ? n : 1; /* so that NULL always means failure, and realloc never frees */
}

void *mem_try(size_t n)
{
    if (trip_now(TRIP_ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(mem_size(n));
}

void *mem_try_grow(void *p, size_t n)
{
    if (trip_now(TRIP_ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, mem_size(n));
}

void *mem_alloc(size_t n)
{
    void *p = mem_try(n);
    if (!p)
        mem_exhausted(n);
    return p;
}

void *mem_zalloc(size_t n)
{
    void *p = trip_now(TRIP_ALLOC) ? NULL : calloc(1, mem_size(n));
    if (!p)
        mem_exhausted(n);
    return p;
}

void *mem_grow(void *p, size_t n)
{
    void *grown = mem_try_grow(p, n);
    if (!grown)
        mem_exhausted(n);
    return grown;
}

void mem_free(void *p)
{
    free(p);
}

char *mem_strdup(const char *z)
{
    size_t n = strlen(z) + 1;
    return memcpy(mem_alloc(n), z, n);
}
