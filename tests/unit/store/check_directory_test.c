#include "store/check.h"

#include "tests/unit/store/unit_damage.h"

static void second_address(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_put_u64(t, TABLE_ACCOUNT, schema_address_key(&k, SPAN("eve@example.org")),
                          unit_account, f));
}

static void id_beyond(struct txn *t)
{
    struct account a = {.id = 1000, .address = SPAN("eve@example.org")};
    struct schema_key k;
    struct buf row;
    buf_init(&row, 1000);
    schema_account(&a, &row);
    unit_ok(table_put(t, TABLE_ACCOUNT, schema_account_key(&k, a.id), buf_span(&row), f));
    buf_fini(&row);
}

static void inbox_renamed(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_drop(t, TABLE_NAME, schema_name_key(&k, unit_account, SPAN("INBOX")), f));
    unit_ok(table_put_u64(t, TABLE_NAME, schema_name_key(&k, unit_account, SPAN("other")),
                          unit_inbox, f));
}

/* clang-format off */
static const struct unit_damage damages[] = {
    {NULL, TABLE_DOMAIN, {"x.example", 9}, {"1", 1}, "I1", "domain x.example"},
    {NULL, TABLE_ALIAS, {"no-at", 5}, {"\1\0\3\0a@b", 7}, "I1", "alias no-at"},
    {NULL, TABLE_ALIAS, {"a@b", 3}, {"\2\0\3\0a@b", 7}, "I1", "alias a@b"},
    {NULL, TABLE_ALIAS, {"a@b", 3}, {"\1\0\3\0a-b", 7}, "I1", "alias a@b"},
    {NULL, TABLE_ALIAS, {"a@b", 3}, {"\0\0", 2}, "I1", "alias a@b"},
    {NULL, TABLE_ACCOUNT, {"x", 1}, {"", 0}, "I1", "account: damaged"},
    {NULL, TABLE_ACCOUNT, {"i\0\0\0\0\0\0\0\1", 9}, {"short", 5}, "I1", "account: damaged"},
    {NULL, TABLE_ACCOUNT, {"aeve@b", 6}, {"1", 1}, "I1", "account eve@b: damaged"},
    {id_beyond, TABLE_META, {"", 0}, {"", 0}, "I12", "account 1000"},
    {second_address, TABLE_META, {"", 0}, {"", 0}, "I13", "eve@example.org: its id 1"},
    {NULL, TABLE_ACCOUNT, {"aann@example.org", 16}, {NULL, 0}, "I13", "account 1: its address"},
    {inbox_renamed, TABLE_META, {"", 0}, {"", 0}, "I13", "account 1: no INBOX"},
    {inbox_renamed, TABLE_META, {"", 0}, {"", 0}, "I5", "name \"other\" of account 1"},
    {NULL, TABLE_NAME, {"\0\0\0\0\0\0\0\1x//y", 12}, {"\2\0\0\0\0\0\0\0", 8}, "I1", "name"},
    {NULL, TABLE_NAME, {"\0\0\0\0\0\0\0\1x", 9}, {"\77\0\0\0\0\0\0\0", 8}, "I5", "mailbox 63 is not"},
    {NULL, TABLE_SUBSCRIPTION, {"\0\0\0\0\0\0\0\1x", 9}, {"x", 1}, "I1", "subscription"},
    {NULL, TABLE_SUBSCRIPTION, {"\0\0\0\0\0\0\0\2x", 9}, {"", 0}, "I6", "subscription to \"x\": no account 2"},
};
/* clang-format on */

static void check_finds_damage_of_the_directory(void **state)
{
    (void)state;
    unit_damages(damages, UNIT_COUNT(damages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_finds_damage_of_the_directory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
