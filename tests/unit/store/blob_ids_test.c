#include "store/blob_ids.h"

#include "tests/unit/store/unit_store.h"

static void blob_ids_are_given_once(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    uint64_t last = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct store *st = unit_store_open(&o);
        for (unsigned k = 0; k < 10; k++) {
            uint64_t id = blob_ids_take(st);
            assert_true(id > last);
            last = id;
        }
        store_close(&st);
    }
}

/* The next range is there long before this one has been used up. */
static void blob_ids_do_not_run_out(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    uint64_t last = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned k = 0; k < 1u << 19; k++) {
            uint64_t id = blob_ids_take(st);
            if (id <= last)
                fail_msg("%llu after %llu", (unsigned long long)id, (unsigned long long)last);
            last = id;
        }
        assert_int_equal(unit_put(st, TABLE_META, SPAN("barrier"), SPAN("")), ERR_OK);
    }
    store_close(&st);
    st = unit_store_open(&o);
    assert_true(blob_ids_take(st) > last);
    store_close(&st);
}

/* Without a commit no number goes beyond the range. */
static void blob_ids_wait_for_the_commit(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    uint64_t high = 0;
    struct txn *t = unit_read(st);
    assert_int_equal(table_get_u64(t, TABLE_META, SPAN("blob_high"), &high, NULL), ERR_OK);
    txn_read_end(&t);
    uint64_t id, last = 0;
    while ((id = blob_ids_take(st)) != 0) {
        last = id;
        if (id < high)
            continue;
        t = unit_read(st);
        assert_int_equal(table_get_u64(t, TABLE_META, SPAN("blob_high"), &high, NULL), ERR_OK);
        txn_read_end(&t);
        assert_true(id < high);
        if (high > 5u << 20)
            break;
    }
    assert_true(last > 0);
    store_close(&st);
}

struct blob_ids_case {
    struct store_op op;
    uint64_t id;
};

static enum err blob_ids_raise_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    return blob_ids_raise(t, ((struct blob_ids_case *)(void *)op)->id, f);
}

static void blob_ids_raise_far(void **state)
{
    (void)state;
    static const uint64_t ids[] = {5, 1000, 3, UINT64_C(1) << 40};
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    uint64_t most = 0;
    for (size_t i = 0; i < UNIT_COUNT(ids); i++) {
        struct blob_ids_case c = {.op = {.apply = blob_ids_raise_apply}, .id = ids[i]};
        assert_int_equal(committer_run(st, &c.op, NULL), ERR_OK);
        most = ids[i] > most ? ids[i] : most;
        uint64_t id = blob_ids_take(st);
        if (id == 0) { /* far beyond the range: there is another after the next commit */
            assert_int_equal(unit_put(st, TABLE_META, SPAN("barrier"), SPAN("")), ERR_OK);
            id = blob_ids_take(st);
        }
        assert_true(id > most);
    }
    store_close(&st);
    st = unit_store_open(&o);
    assert_true(blob_ids_take(st) > most);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(blob_ids_are_given_once),
        unit_test_dir(blob_ids_do_not_run_out),
        unit_test_dir(blob_ids_wait_for_the_commit),
        unit_test_dir(blob_ids_raise_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
