#include "store/acl.h"

#include "tests/unit/store/unit_damage.h"

/* An entry of account 1 on its INBOX, then one of its rows is missing or wrong. */

static void put_rows(struct txn *t, uint64_t mailbox, uint64_t account, bool first, bool second)
{
    struct acl_entry e = {.account = account, .rights = ACL_READ};
    struct acl_rows rows;
    acl_rows(mailbox, &e, &rows);
    if (first)
        unit_ok(table_put(t, TABLE_ACL, span_of(rows.by_mailbox, ACL_KEY_BYTES),
                          span_of(rows.rights, 2), f));
    if (second)
        unit_ok(table_put(t, TABLE_ACL, span_of(rows.by_account, ACL_KEY_BYTES), SPAN(""), f));
}

static void only_first(struct txn *t)
{
    put_rows(t, unit_inbox, 0, true, false);
}
static void only_second(struct txn *t)
{
    put_rows(t, unit_inbox, 0, false, true);
}
static void no_mailbox(struct txn *t)
{
    put_rows(t, 4711, 0, true, true);
}
static void no_account(struct txn *t)
{
    put_rows(t, unit_inbox, 4711, true, true);
}

static void check_acl_damages(void **state)
{
    (void)state;
    static const struct unit_damage list[] = {
        {.harm = only_first, .number = "I16", .text = "one row of the two"},
        {.harm = only_second, .number = "I16", .text = "one row of the two"},
        {.harm = no_mailbox, .number = "I16", .text = "no such mailbox"},
        {.harm = no_account, .number = "I16", .text = "no such account"},
        {.table = TABLE_ACL,
         .key = {"m", 1},
         .value = {"x", 1},
         .number = "I1",
         .text = "rights: damaged row"},
        {.table = TABLE_ACCOUNT,
         .key = {"s\0\0\0\0\0\0\0\x63", 9},
         .value = {"", 0},
         .number = "I13",
         .text = "shared account 99"},
    };
    unit_damages(list, UNIT_COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_acl_damages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
