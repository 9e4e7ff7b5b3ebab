#include "common/trip.h"

#include "tests/unit/unit.h"

#include <errno.h>

static void trip_nth(void **state)
{
    (void)state;
    assert_false(trip_now(TRIP_WRITE));
    trip_arm(TRIP_WRITE, 3, ENOSPC, false);
    assert_false(trip_now(TRIP_WRITE));
    assert_false(trip_now(TRIP_SYNC)); /* another kind does not count */
    assert_false(trip_now(TRIP_WRITE));
    assert_true(trip_now(TRIP_WRITE));
    assert_false(trip_now(TRIP_WRITE));
    assert_int_equal(trip_error(TRIP_WRITE), ENOSPC);
    assert_true(trip_disarm());
    assert_false(trip_disarm());
}

static void trip_for_ever(void **state)
{
    (void)state;
    trip_arm(TRIP_SYNC, 2, 0, true);
    assert_false(trip_now(TRIP_SYNC));
    for (int i = 0; i < 3; i++)
        assert_true(trip_now(TRIP_SYNC));
    assert_int_equal(trip_error(TRIP_SYNC), EIO);
    assert_true(trip_disarm());
    assert_false(trip_now(TRIP_SYNC));
}

static void trip_two_kinds(void **state)
{
    (void)state;
    trip_arm(TRIP_OPEN, 1, EMFILE, false);
    trip_arm(TRIP_READ, 1, EIO, false);
    assert_true(trip_now(TRIP_OPEN));
    trip_arm(TRIP_READ, 2, EIO, false); /* does not forget that something failed */
    assert_false(trip_now(TRIP_READ));
    assert_int_equal(trip_error(TRIP_OPEN), EMFILE);
    assert_true(trip_disarm());
}

static void trip_no_failure(void **state)
{
    (void)state;
    trip_arm(TRIP_ALLOC, 2, 0, false);
    assert_false(trip_now(TRIP_ALLOC));
    assert_false(trip_disarm());
}

/* clang-format off */
static const struct {
    const char *text;
    bool understood;
    enum trip_kind kind;
    unsigned nth;   /* 0: nothing is armed */
    int error;
    bool ever;
} trip_texts[] = {
    {NULL,                true,  TRIP_ALLOC, 0, 0,      false},
    {"",                  true,  TRIP_ALLOC, 0, 0,      false},
    {"alloc:1",           true,  TRIP_ALLOC, 1, ENOMEM, false},
    {"open:3",            true,  TRIP_OPEN,  3, EIO,    false},
    {"write:2:28",        true,  TRIP_WRITE, 2, 28,     false},
    {"sync:2:ever",       true,  TRIP_SYNC,  2, EIO,    true},
    {"read:4:13:ever",    true,  TRIP_READ,  4, 13,     true},
    {"alloc",             false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:",            false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:0",           false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:x",           false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:1:",          false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:1:ever:5",    false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:1:5:never",   false, TRIP_ALLOC, 0, 0,      false},
    {"alloc:1:99999999999", false, TRIP_ALLOC, 0, 0,    false},
    {"alloc:99999999999999999999", false, TRIP_ALLOC, 0, 0, false},
    {"close:1",           false, TRIP_ALLOC, 0, 0,      false},
    {":1",                false, TRIP_ALLOC, 0, 0,      false},
};
/* clang-format on */

static void trip_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(trip_texts); i++) {
        assert_int_equal(trip_arm_text(trip_texts[i].text), trip_texts[i].understood);
        enum trip_kind kind = trip_texts[i].kind;
        unsigned nth = trip_texts[i].nth;
        for (unsigned asked = 1; asked <= 6; asked++)
            assert_int_equal(trip_now(kind),
                             asked == nth || (nth && asked > nth && trip_texts[i].ever));
        if (nth)
            assert_int_equal(trip_error(kind), trip_texts[i].error);
        assert_int_equal(trip_disarm(), nth != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trip_nth),       cmocka_unit_test(trip_for_ever),
        cmocka_unit_test(trip_two_kinds), cmocka_unit_test(trip_no_failure),
        cmocka_unit_test(trip_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
