#include "common/clock.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

static void clock_runs(void **state)
{
    (void)state;
    uint64_t before = clock_ms();
    time_t wall_before = time(NULL);
    int64_t wall = clock_wall();
    int64_t wall_ms = clock_wall_ms();
    time_t wall_after = time(NULL);
    assert_true(clock_ms() >= before);
    assert_true(wall >= wall_before && wall <= wall_after);
    assert_true(wall_ms / 1000 >= wall_before && wall_ms / 1000 <= wall_after);
}

static void clock_stops(void **state)
{
    (void)state;
    uint64_t running = clock_ms();
    clock_freeze(1000000000);
    uint64_t frozen = clock_ms();
    assert_true(frozen >= running);
    assert_int_equal(clock_wall(), 1000000000);
    assert_int_equal(clock_wall_ms(), INT64_C(1000000000000));
    clock_advance(1500);
    assert_int_equal(clock_ms(), frozen + 1500);
    assert_int_equal(clock_wall_ms(), INT64_C(1000000001500));
    assert_int_equal(clock_wall(), 1000000001);
    clock_freeze(5); /* the wall goes back, the monotonic clock never does */
    assert_int_equal(clock_wall(), 5);
    assert_int_equal(clock_ms(), frozen + 1500);
    clock_advance(UINT64_C(100) * 365 * 86400 * 1000);
    uint64_t late = clock_ms();
    clock_thaw();
    assert_true(clock_ms() >= late);
    int64_t wall = clock_wall();
    assert_true(wall >= 5 + INT64_C(100) * 365 * 86400);
    assert_true(wall < 5 + INT64_C(101) * 365 * 86400);
    clock_thaw(); /* nothing to do */
    assert_true(clock_wall() >= wall);
    clock_advance(3600 * 1000); /* while it runs */
    assert_true(clock_wall() >= wall + 3600);
    assert_true(clock_ms() >= late + 3600 * 1000);
}

static void clock_before_1970(void **state)
{
    (void)state;
    clock_freeze(-10);
    clock_advance(1);
    assert_int_equal(clock_wall_ms(), -9999);
    assert_int_equal(clock_wall(), -10);
    clock_thaw();
}

/* clang-format off */
static const struct {
    const char *tz;
    int64_t at;
    int minutes;
} clock_zones[] = {
    {"UTC0",                        0,          0},
    {"XST-5:30",                    1000000000, 330},
    {"XST8",                        1000000000, -480},
    {"CET-1CEST,M3.5.0,M10.5.0/3",  1768435200, 60},  /* 2026-01-15 */
    {"CET-1CEST,M3.5.0,M10.5.0/3",  1784073600, 120}, /* 2026-07-15 */
};
/* clang-format on */

static void clock_knows_zones(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(clock_zones); i++) {
        setenv("TZ", clock_zones[i].tz, 1);
        tzset();
        assert_int_equal(clock_zone_minutes(clock_zones[i].at), clock_zones[i].minutes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_runs),
        cmocka_unit_test(clock_stops),
        cmocka_unit_test(clock_before_1970),
        cmocka_unit_test(clock_knows_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
