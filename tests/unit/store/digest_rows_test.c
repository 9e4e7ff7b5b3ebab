#include "store/digest_rows.h"

#include "tests/unit/store/unit_mail.h"

static struct store *store;

#define BODIES 300u

/* Bodies 1000, 1001, ... each with its number as its date; every tenth is not there, and the last one is damaged. */
static void fill(struct txn *t)
{
    for (uint64_t i = 0; i < BODIES; i++) {
        struct schema_key k;
        struct buf record;
        buf_init(&record, 4096);
        digest_write(&(struct digest){.dated = true, .sent = {(int64_t)i, 0}}, NULL, &record);
        if (i == BODIES - 1)
            record.n--;
        if (i % 10 != 0)
            unit_ok(table_put(t, TABLE_DIGEST, schema_id_key(&k, 1000 + i), buf_span(&record), f));
        buf_fini(&record);
    }
}

static void empty(struct txn *t)
{
    for (uint64_t i = 0; i < BODIES; i++) {
        struct schema_key k;
        if (i % 10 != 0)
            unit_ok(table_drop(t, TABLE_DIGEST, schema_id_key(&k, 1000 + i), f));
    }
}

static int begin(void **state)
{
    if (unit_dir_make(state) != 0)
        return -1;
    store = unit_mail_open();
    unit_run(store, fill);
    return 0;
}

static int end(void **state)
{
    unit_run(store, empty);
    unit_mail_close(&store);
    return unit_dir_remove(state);
}

static void read_all(const uint64_t *bodies, size_t n)
{
    struct digest_rows r;
    struct digest d;
    struct txn *t;
    struct fault f = FAULT_NONE;
    unit_assert_ok(txn_read(store, &t, &f), &f);
    digest_rows_begin(&r, t);
    for (size_t i = 0; i < n; i++) {
        uint64_t nth = bodies[i] - 1000;
        bool there = bodies[i] >= 1000 && nth < BODIES - 1 && nth % 10 != 0;
        assert_int_equal(digest_rows_get(&r, bodies, n, i, &d), there);
        assert_int_equal(d.dated, there);
        if (there)
            assert_int_equal(d.sent.utc, nth);
    }
    unit_assert_ok(digest_rows_end(&r, &f), &f);
    txn_read_end(&t);
}

static void test_orders(void **state)
{
    static uint64_t bodies[2000];
    (void)state;
    for (size_t how = 0; how < 6; how++) {
        uint64_t x = 7;
        for (size_t i = 0; i < UNIT_COUNT(bodies); i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint64_t mixed = (x >> 33) % (BODIES + 20);
            const uint64_t choice[] = {i % 320, i / 7,  BODIES - i % BODIES,
                                       mixed,   i * 97, i % 64 < 50 ? i % 320 : mixed};
            bodies[i] = 1000 + choice[how];
        }
        read_all(bodies, UNIT_COUNT(bodies));
        read_all(bodies, 1);
        read_all(bodies, 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
