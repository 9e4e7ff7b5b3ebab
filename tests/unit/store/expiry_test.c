#include "store/expiry.h"

#include "tests/unit/store/unit_mail.h"

#define ACCOUNTS 2500

static unsigned seen[ACCOUNTS + 1];
static uint64_t full_at; /* the account at which the slice is full; 0: none */

static enum err look(void *arg, struct txn *t, uint64_t account, bool *done, struct fault *f)
{
    (void)arg;
    (void)t;
    assert_true(account >= 1 && account <= ACCOUNTS);
    seen[account]++;
    *done = account != full_at;
    return account == 2222 && full_at == 2222 ? fault_set(f, ERR_CORRUPT, "unit") : ERR_OK;
}

static void fill(struct txn *t)
{
    for (uint64_t account = 1; account <= ACCOUNTS; account++) {
        struct schema_key k;
        for (uint32_t i = 0; i < 3; i++)
            unit_ok(table_put(t, TABLE_BIN, schema_bin_key(&k, account, i, 1, 1), SPAN(""), f));
    }
}

static void go_round(struct txn *t)
{
    unit_ok(expiry_round(t, TABLE_BIN, SPAN("bin_next"), look, NULL, f));
}

static void assert_seen(unsigned first, unsigned last)
{
    for (unsigned i = 1; i <= ACCOUNTS; i++) {
        assert_int_equal(seen[i], i >= first && i <= last);
        seen[i] = 0;
    }
}

static void fails(struct txn *t)
{
    unit_err(expiry_round(t, TABLE_BIN, SPAN("bin_next"), look, NULL, f), ERR_CORRUPT);
}

static void spoil(struct txn *t)
{
    unit_ok(table_put(t, TABLE_BIN, SPAN("\xff"), SPAN(""), f));
    unit_err(expiry_round(t, TABLE_BIN, SPAN("bin_next"), look, NULL, f), ERR_CORRUPT);
}

static void expiry_goes_round(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    unit_run(st, go_round); /* nothing there */
    assert_seen(1, 0);
    unit_run(st, fill);
    unit_run(st, go_round);
    assert_seen(1, 1000);
    unit_run(st, go_round);
    assert_seen(1001, 2000);
    full_at = 2100;
    unit_run(st, go_round);
    assert_seen(2001, 2100);
    full_at = 2222;
    unit_run(st, fails);
    assert_seen(2001, 2222);
    full_at = 0;
    unit_run(st, go_round);
    assert_seen(2001, 2500);
    unit_run(st, go_round);
    assert_seen(1, 1000);
    unit_run(st, go_round);
    unit_run(st, go_round);
    unit_run(st, go_round);
    unit_run(st, go_round);
    unit_run(st, spoil);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(expiry_goes_round)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
