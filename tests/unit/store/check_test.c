#include "store/check.h"

#include "store/bin.h"
#include "tests/unit/store/unit_damage.h"

#include <stdatomic.h>

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
    struct check_totals sum = {.broken = 1};
    struct fault f = FAULT_NONE;
    unit_assert_ok(check_run(st, NULL, NULL, NULL, &sum, &f), &f);
    assert_int_equal(sum.broken, 0);
    assert_int_equal(unit_put(st, TABLE_META, SPAN("x"), SPAN("")), ERR_OK);
    unit_assert_ok(check_run(st, NULL, NULL, NULL, &sum, &f), &f);
    assert_int_equal(sum.broken, 1);
    store_close(&st);
}

/* --- who asks for progress may end it --- */

static enum err put_many(struct txn *t, struct store_op *op, struct fault *f)
{
    enum err e = ERR_OK;
    (void)op;
    for (uint64_t i = 0; e == ERR_OK && i < 2500; i++)
        e = table_put_u64(t, TABLE_META, span_of((const char *)&i, sizeof i), i, f);
    return e;
}

struct patience {
    unsigned calls, most;
    uint64_t rows;
};

static bool once_more(void *arg, uint64_t rows)
{
    struct patience *p = arg;
    assert_true(rows > p->rows);
    p->rows = rows;
    return ++p->calls < p->most;
}

static void check_ends_when_told(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct store_op op = {.apply = put_many};
    struct fault f = FAULT_NONE;
    unit_assert_ok(committer_run(st, &op, &f), &f);
    struct check_totals sum;
    struct patience p = {.most = 1}, patient = {.most = 1000};
    assert_int_equal(check_run(st, NULL, once_more, &p, &sum, &f), ERR_BUSY);
    assert_int_equal(p.calls, 1);
    unit_assert_ok(check_run(st, NULL, once_more, &patient, &sum, &f), &f);
    assert_true(patient.calls >= 2);
    assert_int_equal(sum.broken, 2500);
    store_close(&st);
}

/* --- while the store is written to: pages come and go under the snapshots --- */

#define ROUNDS 40

static atomic_bool writing;

static void busy_run(struct txn *t)
{
    static unsigned round;
    uint64_t sent = unit_box(t, "Sent");
    unsigned gone;
    if (round % 3 == 0) {
        unit_ok(msg_move(t, unit_inbox, NULL, sent, NULL, NULL, f));
        unit_ok(msg_copy(t, sent, NULL, unit_inbox, NULL, NULL, f));
    }
    if (round % 4 == 1)
        unit_ok(msg_expunge(t, round % 8 == 1 ? sent : unit_inbox, NULL, false, NULL, f));
    if (round % 8 == 5)
        unit_ok(bin_expire(t, INT64_MAX, 200, &gone, f));
    for (int i = 0; i < 100; i++)
        (void)unit_append(t, unit_inbox, (uint32_t)i % 32);
    round++;
}

static void *busy_thread(void *st)
{
    for (int i = 0; i < ROUNDS; i++)
        unit_run(st, busy_run);
    atomic_store(&writing, false);
    return NULL;
}

static void check_while_writing(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    pthread_t thread;
    atomic_store(&writing, true);
    assert_int_equal(pthread_create(&thread, NULL, busy_thread, st), 0);
    while (atomic_load(&writing))
        unit_check_clean(st);
    assert_int_equal(pthread_join(thread, NULL), 0);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_finds_numbers_and_changes),
        unit_test_dir(check_ends_when_told),
        unit_test_dir(check_of_nothing),
        unit_test_dir(check_while_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
