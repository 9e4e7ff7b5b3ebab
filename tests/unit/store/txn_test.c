#include "store/txn.h"

#include "tests/unit/store/unit_store.h"

#include <db.h>
#include <errno.h>
#include <stdatomic.h>

static void txn_snapshots_stand_still(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(unit_put(st, TABLE_NAME, SPAN("a"), SPAN("1")), ERR_OK);
    struct txn *before = unit_read(st); /* has not read anything yet */
    assert_ptr_equal(txn_store(before), st);
    assert_false(txn_writes(before));
    assert_int_equal(unit_put(st, TABLE_NAME, SPAN("a"), SPAN("2")), ERR_OK);
    assert_int_equal(unit_put(st, TABLE_NAME, SPAN("b"), SPAN("2")), ERR_OK);
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(table_get(before, TABLE_NAME, SPAN("a"), &b, NULL), ERR_OK);
    unit_assert_span(buf_span(&b), "1");
    assert_int_equal(table_get(before, TABLE_NAME, SPAN("b"), &b, NULL), ERR_NOTFOUND);
    buf_fini(&b);
    txn_read_end(&before);
    assert_null(before);
    unit_assert_span(unit_value(st, TABLE_NAME, SPAN("a")), "2");
    store_close(&st);
}

/* --- nothing unflushed is seen --- */

static pthread_mutex_t txn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t txn_cond = PTHREAD_COND_INITIALIZER;
static bool txn_held, txn_waiting;

/* Stands in for fdatasync: comes back when the test says so. */
static int txn_slow_sync(int fd)
{
    pthread_mutex_lock(&txn_mutex);
    txn_waiting = txn_held;
    pthread_cond_broadcast(&txn_cond);
    while (txn_held)
        pthread_cond_wait(&txn_cond, &txn_mutex);
    pthread_mutex_unlock(&txn_mutex);
    return fdatasync(fd) < 0 ? errno : 0;
}

static void txn_hold_syncs(bool hold)
{
    pthread_mutex_lock(&txn_mutex);
    txn_held = hold;
    txn_waiting = false;
    pthread_cond_broadcast(&txn_cond);
    pthread_mutex_unlock(&txn_mutex);
}

static void txn_await_sync(void)
{
    pthread_mutex_lock(&txn_mutex);
    while (!txn_waiting)
        pthread_cond_wait(&txn_cond, &txn_mutex);
    pthread_mutex_unlock(&txn_mutex);
}

static struct unit_box txn_box = UNIT_BOX;
static bool txn_done;

static void txn_put_done(struct store_op *op, enum err e, const struct fault *f)
{
    (void)op;
    unit_assert_ok(e, f);
    txn_done = true;
}

static struct span txn_get(struct txn *t, struct buf *b)
{
    enum err e = table_get(t, TABLE_NAME, SPAN("a"), b, NULL);
    return e == ERR_OK ? buf_span(b) : SPAN("(none)");
}

struct txn_reader {
    pthread_t thread;
    struct store *store;
    char saw[8];
};

static void *txn_reader_main(void *arg)
{
    struct txn_reader *r = arg;
    struct span s = unit_value(r->store, TABLE_NAME, SPAN("a"));
    memcpy(r->saw, s.p, s.n);
    return NULL;
}

static void txn_shows_what_is_on_disk(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(unit_put(st, TABLE_NAME, SPAN("a"), SPAN("old")), ERR_OK);
    assert_int_equal(db_env_set_func_fsync(txn_slow_sync), 0);
    txn_hold_syncs(true);
    struct unit_put put = {
        .op = {.apply = unit_put_apply, .done = txn_put_done, .home = &txn_box.post},
        .table = TABLE_NAME,
        .key = SPAN("a"),
        .value = SPAN("new")};
    txn_done = false;
    committer_submit(st, &put.op);
    txn_await_sync();
    struct buf b;
    buf_init(&b, 10);
    struct txn *lent[2];
    for (unsigned round = 0; round < 3; round++) { /* what is given back is lent again */
        for (size_t i = 0; i < UNIT_COUNT(lent); i++) {
            lent[i] = unit_read(st);
            unit_assert_span(txn_get(lent[i], &b), "old");
        }
        if (round == 2)
            break;
        for (size_t i = 0; i < UNIT_COUNT(lent); i++)
            txn_read_end(&lent[i]);
    }
    struct txn_reader third = {.store = st}; /* waits: all are lent */
    assert_int_equal(pthread_create(&third.thread, NULL, txn_reader_main, &third), 0);
    txn_read_end(&lent[1]);
    assert_int_equal(pthread_join(third.thread, NULL), 0);
    assert_string_equal(third.saw, "old");
    txn_hold_syncs(false);
    while (!txn_done)
        unit_box_run(&txn_box);
    unit_assert_span(txn_get(lent[0], &b), "old");
    txn_read_end(&lent[0]);
    unit_assert_span(unit_value(st, TABLE_NAME, SPAN("a")), "new");
    buf_fini(&b);
    store_close(&st);
}

/* --- many readers, one writer --- */

#define TXN_COMMITS 300u

static atomic_bool txn_stop;

static void *txn_watch_main(void *arg)
{
    struct store *st = arg;
    uint64_t last = 0;
    while (!atomic_load(&txn_stop)) {
        struct txn *t = unit_read(st);
        uint64_t first = 0, second = 0;
        (void)table_get_u64(t, TABLE_NAME, SPAN("first"), &first, NULL);
        (void)table_get_u64(t, TABLE_ALIAS, SPAN("second"), &second, NULL);
        txn_read_end(&t);
        if (first != second || first < last)
            return "a snapshot was not one";
        last = first;
    }
    return NULL;
}

struct txn_pair {
    struct store_op op;
    uint64_t n;
};

static enum err txn_pair_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    uint64_t n = ((struct txn_pair *)(void *)op)->n;
    enum err e = table_put_u64(t, TABLE_NAME, SPAN("first"), n, f);
    return e == ERR_OK ? table_put_u64(t, TABLE_ALIAS, SPAN("second"), n, f) : e;
}

static void txn_snapshots_are_whole(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    atomic_store(&txn_stop, false);
    pthread_t readers[4];
    for (size_t i = 0; i < UNIT_COUNT(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, txn_watch_main, st), 0);
    for (uint64_t n = 1; n <= TXN_COMMITS; n++) {
        struct txn_pair p = {.op = {.apply = txn_pair_apply}, .n = n};
        assert_int_equal(committer_run(st, &p.op, NULL), ERR_OK);
        struct txn *t = unit_read(st); /* what is done is seen at once */
        uint64_t seen = 0;
        assert_int_equal(table_get_u64(t, TABLE_NAME, SPAN("first"), &seen, NULL), ERR_OK);
        assert_true(seen == n);
        txn_read_end(&t);
    }
    atomic_store(&txn_stop, true);
    for (size_t i = 0; i < UNIT_COUNT(readers); i++) {
        void *complaint = NULL;
        assert_int_equal(pthread_join(readers[i], &complaint), 0);
        assert_null(complaint);
    }
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(txn_snapshots_stand_still),
        unit_test_dir(txn_snapshots_are_whole),
        unit_test_dir(txn_shows_what_is_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
