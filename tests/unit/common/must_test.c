#include "common/must.h"

#include "tests/unit/unit.h"

static int must_evaluated;

static void must_holds(void **state)
{
    (void)state;
    must(++must_evaluated == 1);
    assert_int_equal(must_evaluated, 1);
}

static void must_breaks(void)
{
    must(1 + 1 == 3);
}

static void must_dies(void **state)
{
    (void)state;
    unit_assert_must(must_breaks, "must_test.c:16 what=\"1 + 1 == 3\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(must_holds),
        cmocka_unit_test(must_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
