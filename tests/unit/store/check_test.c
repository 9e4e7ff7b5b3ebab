#include "store/check.h"

#include "tests/unit/store/unit_damage.h"

static void low_modseq(struct txn *t)
{
    unit_ok(table_put_u64(t, TABLE_META, SPAN("modseq"), 1, f));
    txn_set_counters(t, 1, 100, UINT32_MAX - 9);
}

static void high_floor(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_put_u64(t, TABLE_META, schema_floor_key(&k, unit_account), 1000, f));
}

static void change_of_nobody(struct txn *t)
{
    struct fault f = FAULT_NONE;
    unit_assert_ok(changes_record(t, 77, 78, CHANGE_ADDED, NULL, &f), &f);
}

/* clang-format off */
static const struct unit_damage damages[] = {
    {NULL, TABLE_META, {"modseq", 6}, {"1234567", 7}, "I1", "number \"modseq\": damaged"},
    {NULL, TABLE_META, {"other", 5}, {"12345678", 8}, "I1", "number \"other\": unknown"},
    {NULL, TABLE_CHANGES, {"short", 5}, {"", 0}, "I1", "change"},
    {low_modseq, TABLE_META, {"", 0}, {"", 0}, "I4", "change of account 1: MODSEQ 2, the store is at 1"},
    {change_of_nobody, TABLE_META, {"", 0}, {"", 0}, "I6", "change of account 77"},
    {high_floor, TABLE_META, {"", 0}, {"", 0}, "I14", "the log begins with 1000"},
};
/* clang-format on */

static void check_finds_numbers_and_changes(void **state)
{
    (void)state;
    unit_damages(damages, UNIT_COUNT(damages));
}

/* It works without anyone who listens, and on an empty store. */
static void check_of_nothing(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    unsigned long broken = 1;
    struct fault f = FAULT_NONE;
    unit_assert_ok(check_run(st, NULL, NULL, NULL, &broken, &f), &f);
    assert_int_equal(broken, 0);
    assert_int_equal(unit_put(st, TABLE_META, SPAN("x"), SPAN("")), ERR_OK);
    unit_assert_ok(check_run(st, NULL, NULL, NULL, &broken, &f), &f);
    assert_int_equal(broken, 1);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_finds_numbers_and_changes),
        unit_test_dir(check_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
