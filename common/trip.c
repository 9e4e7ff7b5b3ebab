#include "common/trip.h"
#include "common/must.h"
#include "common/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>

struct trip_wire {
    atomic_ulong asked, nth;
    atomic_int error;
    atomic_bool for_ever;
};

static struct trip_wire trip_wires[TRIP_KINDS];
static atomic_uint trip_armed; /* a bit for each kind */
static atomic_bool trip_hit;

/* clang-format off */
static const struct {
    struct span name;
    int error;
} trip_kinds[] = {
    [TRIP_ALLOC] = {{"alloc", 5}, ENOMEM},
    [TRIP_OPEN]  = {{"open", 4},  EIO},
    [TRIP_WRITE] = {{"write", 5}, EIO},
    [TRIP_SYNC]  = {{"sync", 4},  EIO},
    [TRIP_READ]  = {{"read", 4},  EIO},
};
/* clang-format on */
_Static_assert(sizeof trip_kinds / sizeof *trip_kinds == TRIP_KINDS, "a kind has no name");

static bool trip_ask(enum trip_kind kind)
{
    struct trip_wire *w = &trip_wires[kind];
    unsigned long asked = atomic_fetch_add(&w->asked, 1) + 1;
    unsigned long nth = atomic_load(&w->nth);
    bool hit = asked == nth || (asked > nth && atomic_load(&w->for_ever));
    if (hit)
        atomic_store(&trip_hit, true);
    return hit;
}

bool trip_now(enum trip_kind kind)
{
    unsigned armed = atomic_load_explicit(&trip_armed, memory_order_relaxed);
    return (armed >> kind & 1) && trip_ask(kind);
}

void trip_arm(enum trip_kind kind, unsigned long nth, int error, bool for_ever)
{
    must((unsigned)kind < TRIP_KINDS);
    must(nth > 0);
    struct trip_wire *w = &trip_wires[kind];
    atomic_fetch_and(&trip_armed, ~(1U << kind));
    atomic_store(&w->asked, 0);
    atomic_store(&w->nth, nth);
    atomic_store(&w->error, error);
    atomic_store(&w->for_ever, for_ever);
    atomic_fetch_or(&trip_armed, 1U << kind);
}

bool trip_disarm(void)
{
    atomic_store(&trip_armed, 0);
    return atomic_exchange(&trip_hit, false);
}

int trip_error(enum trip_kind kind)
{
    must((unsigned)kind < TRIP_KINDS);
    int error = atomic_load(&trip_wires[kind].error);
    return error ? error : trip_kinds[kind].error;
}

/* kind:nth[:errno][:ever] */
bool trip_arm_text(const char *text)
{
    if (!text || !*text)
        return true;
    struct scan s = scan_of(span_cstr(text));
    struct span name = scan_until(&s, ':', "a colon");
    unsigned kind = 0;
    while (kind < TRIP_KINDS && !span_eq(name, trip_kinds[kind].name))
        kind++;
    scan_byte(&s, ':', "a colon");
    uint64_t nth = scan_u64(&s, "a number");
    uint64_t error = 0;
    bool ever = scan_try_word(&s, SPAN(":ever"));
    if (!ever && scan_try(&s, ':')) {
        error = scan_u64(&s, "an errno value");
        ever = scan_try_word(&s, SPAN(":ever"));
    }
    scan_end(&s, "the end");
    if (!scan_ok(&s) || kind == TRIP_KINDS || nth == 0 || nth > ULONG_MAX || error > INT_MAX)
        return false;
    trip_arm((enum trip_kind)kind, (unsigned long)nth, (int)error, ever);
    return true;
}
