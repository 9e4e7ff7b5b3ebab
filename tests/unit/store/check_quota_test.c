#include "store/quota.h"

#include "tests/unit/store/unit_damage.h"

static void put(struct txn *t, uint64_t account, struct span row)
{
    struct schema_key k;
    unit_ok(table_put(t, TABLE_QUOTA, schema_id_key(&k, account), row, f));
}

static void no_row(struct txn *t)
{
    put(t, unit_account, SPAN("short"));
}

static void wrong_sum(struct txn *t)
{
    char row[QUOTA_ROW_BYTES];
    struct quota q;
    unit_ok(quota_get(t, unit_account, &q, f));
    q.used.bytes++;
    put(t, unit_account, quota_row(row, &q));
}

static void wrong_count(struct txn *t)
{
    char row[QUOTA_ROW_BYTES];
    struct quota q;
    unit_ok(quota_get(t, unit_account, &q, f));
    q.used.mailboxes--;
    put(t, unit_account, quota_row(row, &q));
}

static void nobody(struct txn *t)
{
    char row[QUOTA_ROW_BYTES];
    const struct quota q = {{0, 0, 0}, {0, 0, 0}};
    put(t, 4711, quota_row(row, &q));
}

static void check_finds(void **state)
{
    static const struct unit_damage list[] = {
        {.harm = no_row, .number = "I1", .text = "quota: damaged row"},
        {.harm = wrong_sum, .number = "I17", .text = "bytes, there are"},
        {.harm = wrong_count, .number = "I17", .text = "mailboxes, there are"},
        {.harm = nobody, .number = "I6", .text = "quota: no account 4711"},
    };
    (void)state;
    unit_damages(list, UNIT_COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
