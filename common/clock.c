#include "common/clock.h"

#include <pthread.h>
#include <stdatomic.h>

/* While running, a clock is the system's plus an offset; while frozen, it is the frozen value.
 * Readers take no lock; those who freeze, advance and thaw do. */
struct clock_hand {
    clockid_t source;
    atomic_int_least64_t offset_ms, frozen_ms;
};

static struct clock_hand clock_monotonic = {.source = CLOCK_MONOTONIC};
static struct clock_hand clock_real = {.source = CLOCK_REALTIME};
static atomic_bool clock_frozen;
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t clock_system_ms(clockid_t source)
{
    struct timespec t;
    clock_gettime(source, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t clock_read(struct clock_hand *hand)
{
    if (atomic_load_explicit(&clock_frozen, memory_order_acquire))
        return atomic_load(&hand->frozen_ms);
    return clock_system_ms(hand->source) + atomic_load(&hand->offset_ms);
}

static void clock_run_on(struct clock_hand *hand)
{
    atomic_store(&hand->offset_ms, atomic_load(&hand->frozen_ms) - clock_system_ms(hand->source));
}

uint64_t clock_ms(void)
{
    return (uint64_t)clock_read(&clock_monotonic);
}

int64_t clock_wall_ms(void)
{
    return clock_read(&clock_real);
}

int64_t clock_wall(void)
{
    int64_t ms = clock_wall_ms();
    return ms / 1000 - (ms % 1000 < 0);
}

void clock_freeze(int64_t wall_s)
{
    pthread_mutex_lock(&clock_lock);
    atomic_store(&clock_monotonic.frozen_ms, clock_read(&clock_monotonic));
    atomic_store(&clock_real.frozen_ms, wall_s * 1000);
    atomic_store_explicit(&clock_frozen, true, memory_order_release);
    pthread_mutex_unlock(&clock_lock);
}

void clock_advance(uint64_t ms)
{
    pthread_mutex_lock(&clock_lock);
    bool frozen = atomic_load(&clock_frozen);
    struct clock_hand *hands[] = {&clock_monotonic, &clock_real};
    for (int i = 0; i < 2; i++)
        atomic_fetch_add(frozen ? &hands[i]->frozen_ms : &hands[i]->offset_ms, (int64_t)ms);
    pthread_mutex_unlock(&clock_lock);
}

void clock_thaw(void)
{
    pthread_mutex_lock(&clock_lock);
    if (atomic_load(&clock_frozen)) {
        clock_run_on(&clock_monotonic);
        clock_run_on(&clock_real);
        atomic_store_explicit(&clock_frozen, false, memory_order_release);
    }
    pthread_mutex_unlock(&clock_lock);
}

int clock_zone_minutes(int64_t wall_s)
{
    time_t at = (time_t)wall_s;
    struct tm local;
    return localtime_r(&at, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}
