#include "common/id.h"
#include "common/rand.h"

#include <pthread.h>
#include <stdatomic.h>

#define ID_CHARS 13 /* 5 bits each: all of a uint64_t */

static pthread_once_t id_once = PTHREAD_ONCE_INIT;
static atomic_uint_least64_t id_next;

/* A random place to start keeps the names of two runs apart. The top bit is clear, so that the
 * count never wraps and names sort by age. */
static void id_start(void)
{
    atomic_store(&id_next, rand_u64() >> 1);
}

struct id id_new(void)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* no i, l, o, u */
    pthread_once(&id_once, id_start);
    uint64_t v = atomic_fetch_add_explicit(&id_next, 1, memory_order_relaxed);
    struct id id = {""};
    for (int i = ID_CHARS - 1; i >= 0; i--, v >>= 5)
        id.text[i] = alphabet[v & 31];
    return id;
}
