#include "common/sm.h"

#include "tests/unit/unit.h"

enum { SM_A, SM_B, SM_LAST = 31 };

static const struct sm_rule sm_rules[] = {
    [SM_A] = {"a", SM_TO(SM_B) | SM_TO(SM_LAST)},
    [SM_B] = {"b", SM_TO(SM_B)},
    [SM_LAST] = {"last", SM_TO(SM_A)},
};

static void sm_moves(void **state)
{
    (void)state;
    unsigned at = SM_A;
    static const unsigned way[] = {SM_LAST, SM_A, SM_B, SM_B};
    for (size_t i = 0; i < UNIT_COUNT(way); i++) {
        sm_enter(sm_rules, &at, way[i]);
        assert_int_equal(at, way[i]);
    }
}

static void sm_moves_wrongly(void)
{
    unsigned at = SM_B;
    sm_enter(sm_rules, &at, SM_A);
}

static void sm_moves_outside(void)
{
    unsigned at = SM_A;
    sm_enter(sm_rules, &at, 32);
}

static void sm_refuses(void **state)
{
    (void)state;
    unit_assert_must(sm_moves_wrongly, "sm.c");
    unit_assert_must(sm_moves_outside, "next < 32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sm_moves),
        cmocka_unit_test(sm_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
