#include "net/heap.h"
#include "common/mem.h"
#include "common/must.h"

#include <event2/event.h>
#include <openssl/crypto.h>

/* OpenSSL hands sizes of 0 on to whoever replaces its allocator, and expects of them what its own does: nothing is allocated. */

static void *crypto_new(size_t n, const char *file, int line)
{
    (void)file, (void)line; /* OpenSSL gives them */
    return n ? mem_try(n) : NULL;
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    mem_free(p);
}

static void *crypto_grow(void *p, size_t n, const char *file, int line)
{
    if (n > 0)
        return mem_try_grow(p, n);
    crypto_free(p, file, line);
    return NULL;
}

void heap_install(void)
{
    must(CRYPTO_set_mem_functions(crypto_new, crypto_grow, crypto_free));
    event_set_mem_functions(mem_try, mem_try_grow, mem_free);
}
