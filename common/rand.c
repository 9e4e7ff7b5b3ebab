#include "common/rand.h"
#include "common/log.h"
#include "common/must.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RAND_STOCK_BYTES 256 /* what a thread fetches at a time for small requests */

struct rand_stock {
    unsigned char bytes[RAND_STOCK_BYTES];
    size_t left; /* the last of bytes */
    unsigned
        forks; /* rand_forks when it was fetched: a child must not deal its parent's bytes again */
};

static _Thread_local struct rand_stock rand_stock;
static atomic_uint rand_forks;
static pthread_once_t rand_once = PTHREAD_ONCE_INIT;

static atomic_bool rand_seeded;
static uint64_t rand_state;
static pthread_mutex_t rand_lock = PTHREAD_MUTEX_INITIALIZER;

static void rand_forked(void)
{
    atomic_fetch_add(&rand_forks, 1);
}

static void rand_watch_forks(void)
{
    pthread_atfork(NULL, NULL, rand_forked);
}

static void rand_kernel(unsigned char *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got > 0) {
            out += got;
            n -= (size_t)got;
        } else if (errno != EINTR) {
            log_event(LOG_ERROR, NULL, "rand.failed", "errno=%d", errno);
            _exit(75); /* nothing that needs chance may go on without it */
        }
    }
}

/* SplitMix64: every seed is good, and the next value depends on the number of calls alone. */
static uint64_t rand_next(void)
{
    uint64_t z = rand_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void rand_repeatable(unsigned char *out, size_t n)
{
    pthread_mutex_lock(&rand_lock);
    for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
        uint64_t v = rand_next();
        memcpy(out + at, &v, n - at < sizeof v ? n - at : sizeof v);
    }
    pthread_mutex_unlock(&rand_lock);
}

static void rand_deal(unsigned char *out, size_t n)
{
    struct rand_stock *stock = &rand_stock;
    unsigned forks = atomic_load(&rand_forks);
    if (stock->left < n || stock->forks != forks) {
        pthread_once(&rand_once, rand_watch_forks);
        rand_kernel(stock->bytes, sizeof stock->bytes);
        stock->left = sizeof stock->bytes;
        stock->forks = forks;
    }
    unsigned char *from = stock->bytes + sizeof stock->bytes - stock->left;
    memcpy(out, from, n);
    explicit_bzero(from, n); /* what was dealt may be a secret */
    stock->left -= n;
}

void rand_bytes(void *out, size_t n)
{
    if (n == 0)
        return;
    if (atomic_load(&rand_seeded))
        rand_repeatable(out, n);
    else if (n > RAND_STOCK_BYTES / 4)
        rand_kernel(out, n);
    else
        rand_deal(out, n);
}

uint64_t rand_u64(void)
{
    uint64_t v;
    rand_bytes(&v, sizeof v);
    return v;
}

uint64_t rand_below(uint64_t below)
{
    must(below != 0);
    uint64_t unfair =
        (UINT64_MAX % below + 1) % below; /* so many of the 2^64 values are left over */
    uint64_t v;
    do
        v = rand_u64();
    while (v > UINT64_MAX - unfair);
    return v % below;
}

void rand_seed(uint64_t seed)
{
    pthread_mutex_lock(&rand_lock);
    rand_state = seed;
    pthread_mutex_unlock(&rand_lock);
    atomic_store(&rand_seeded, true);
}
