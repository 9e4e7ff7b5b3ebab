#include "auth/auth_guard.h"

#include "tests/unit/unit.h"

#include "common/clock.h"

#include <stdio.h>

static unsigned guesses(struct auth_guard *g, const char *peer, unsigned n)
{
    unsigned ok = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!auth_guard_may(g, span_cstr(peer)))
            continue;
        auth_guard_wrong(g, span_cstr(peer));
        ok++;
    }
    return ok;
}

static void minute_and_day(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(10, 100);
    clock_freeze(1700000000);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 10);
    assert_int_equal(guesses(g, "192.0.2.2", 1000), 10); /* others are not touched */
    clock_advance(6000);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 1);
    unsigned ok = 11;
    for (int minute = 0; minute < 60; minute++) {
        clock_advance(60000);
        ok += guesses(g, "192.0.2.1", 1000);
    }
    assert_true(ok >= 100 && ok <= 106); /* a day's, and what has leaked out in an hour */
    clock_advance(86400000);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 10);
    clock_thaw();
    auth_guard_free(&g);
}

static void right_ones_are_free(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(10, 100);
    for (int i = 0; i < 1000; i++)
        assert_true(auth_guard_may(g, SPAN("192.0.2.1")));
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 10);
    auth_guard_free(&g);
}

/* Many are looked at before the first is known to be wrong. */
static void many_at_once(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(10, 1000000);
    clock_freeze(1700000000);
    for (int i = 0; i < 64; i++)
        assert_true(auth_guard_may(g, SPAN("192.0.2.1")));
    for (int i = 0; i < 64; i++)
        auth_guard_wrong(g, SPAN("192.0.2.1"));
    clock_advance(54 * 6000);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 0);
    clock_advance(6000);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 1);
    clock_thaw();
    auth_guard_free(&g);
}

static void networks(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(3, 100);
    clock_freeze(1700000000);
    assert_int_equal(guesses(g, "2001:db8:0:1::1", 2), 2);
    assert_int_equal(guesses(g, "2001:db8:0:1:ffff::2", 2), 1); /* the same /64 */
    assert_int_equal(guesses(g, "2001:db8:0:2::1", 4), 3);
    assert_int_equal(guesses(g, "192.0.2.1", 2), 2);
    assert_int_equal(guesses(g, "::ffff:192.0.2.1", 2), 1);
    assert_int_equal(guesses(g, "", 100), 100); /* nobody said who */
    clock_thaw();
    auth_guard_free(&g);
}

static void no_limit(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(0, 0);
    assert_int_equal(guesses(g, "192.0.2.1", 1000), 1000);
    auth_guard_free(&g);
}

static void bounded(void **state)
{
    (void)state;
    struct auth_guard *g = auth_guard_new(1, 1);
    for (unsigned i = 0; i < AUTH_GUARD_COUNT + 10; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.%u.%u", i / 256, i % 256);
        assert_int_equal(guesses(g, peer, 2), 1);
    }
    assert_true(auth_guard_may(g, SPAN("10.0.0.0"))); /* forgotten */
    assert_false(auth_guard_may(g, SPAN("10.0.64.1")));
    auth_guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minute_and_day), cmocka_unit_test(right_ones_are_free),
        cmocka_unit_test(networks),       cmocka_unit_test(no_limit),
        cmocka_unit_test(bounded),        cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
