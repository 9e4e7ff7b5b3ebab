#include "common/fault.h"

#include "tests/unit/unit.h"

static void fault_climbs(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    assert_int_equal(f.kind, ERR_OK);
    assert_string_equal(f.text, "");
    assert_int_equal(fault_set(&f, ERR_IO, "log write: %d", 5), ERR_IO);
    assert_int_equal(fault_in(&f, "append to %s", "INBOX"), ERR_IO);
    assert_int_equal(f.kind, ERR_IO);
    assert_string_equal(f.text, "append to INBOX: log write: 5");
    assert_int_equal(fault_set(&f, ERR_BUSY, "again: %s", f.text), ERR_BUSY);
    assert_string_equal(f.text, "again: append to INBOX: log write: 5");
    assert_int_equal(fault_set(NULL, ERR_QUOTA, "nobody %s", "reads it"), ERR_QUOTA);
}

static void fault_cuts(void **state)
{
    (void)state;
    char large[FAULT_TEXT_BYTES * 2];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    struct fault f = FAULT_NONE;
    fault_set(&f, ERR_IO, "%s", large);
    assert_int_equal(strlen(f.text), FAULT_TEXT_BYTES - 1);
    fault_in(&f, "y");
    assert_int_equal(strlen(f.text), FAULT_TEXT_BYTES - 1);
    assert_memory_equal(f.text, "y: xxx", 6);
    fault_in(&f, "%s", large);
    assert_int_equal(strlen(f.text), FAULT_TEXT_BYTES - 1);
    assert_null(strchr(f.text, 'y'));
}

static void fault_names(void **state)
{
    (void)state;
    assert_string_equal(fault_name(ERR_OK), "OK");
    assert_string_equal(fault_name(ERR_CORRUPT), "CORRUPT");
    for (int kind = 0; kind < ERR_COUNT; kind++)
        assert_non_null(fault_name((enum err)kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_climbs),
        cmocka_unit_test(fault_cuts),
        cmocka_unit_test(fault_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
