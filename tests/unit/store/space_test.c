#include "store/space.h"

#include "tests/unit/store/unit_store.h"

#include <sys/stat.h>

static bool space_ballast_is(uint64_t bytes)
{
    struct stat is;
    return stat(unit_path("ballast"), &is) == 0 && (uint64_t)is.st_size == bytes;
}

static void space_tells_low_from_plenty(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct space *s = space_new(&o);
    space_look(s);
    assert_false(space_is_low(s));
    assert_true(space_left(s) > 0);
    o.low_water_bytes = UINT64_MAX;
    space_look(s);
    assert_true(space_is_low(s));
    o.low_water_bytes = 1;
    space_look(s);
    assert_false(space_is_low(s));
    space_free(&s);
    assert_null(s);
}

static void space_has_a_ballast(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    o.ballast_bytes = 1u << 20;
    struct space *s = space_new(&o);
    o.low_water_bytes = UINT64_MAX;
    space_look(s);
    space_mend(s);
    assert_false(space_ballast_is(1u << 20)); /* not while there is little room */
    o.low_water_bytes = 1;
    space_look(s);
    space_mend(s);
    assert_true(space_ballast_is(1u << 20));
    space_before_recovery(s);
    assert_true(space_ballast_is(1u << 20)); /* nor given up while there is plenty */
    o.low_water_bytes = UINT64_MAX;
    space_before_recovery(s);
    assert_int_not_equal(access(unit_path("ballast"), F_OK), 0);
    space_before_recovery(s);
    space_free(&s);
}

static void space_needs_no_ballast(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct space *s = space_new(&o);
    space_look(s);
    space_mend(s);
    assert_int_not_equal(access(unit_path("ballast"), F_OK), 0);
    space_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(space_tells_low_from_plenty),
        unit_test_dir(space_has_a_ballast),
        unit_test_dir(space_needs_no_ballast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
