#include "store/housekeeping.h"

#include "tests/unit/store/unit_store.h"

#include <sys/stat.h>

/* Log files in the directory. */
static unsigned housekeeping_logs(void)
{
    unsigned n = 0;
    DIR *d = opendir(unit_dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strncmp(e->d_name, "log.", 4) == 0;
    (void)closedir(d);
    return n;
}

/* Forty megabytes: at least two files of the log. */
static void housekeeping_write_much(struct store *st)
{
    static char megabyte[1 << 20];
    for (unsigned char i = 0; i < 40; i++)
        assert_int_equal(
            unit_put(st, TABLE_NAME, span_of(&i, 1), span_of(megabyte, sizeof megabyte)), ERR_OK);
}

static void housekeeping_removes_old_logs(void **state)
{
    (void)state;
    static const struct {
        unsigned keep_hours;
        bool goes;
    } ways[] = {{1, false}, {0, true}};
    for (size_t i = 0; i < UNIT_COUNT(ways); i++) {
        struct store_options o = unit_options();
        o.log_keep_hours = ways[i].keep_hours;
        o.checkpoint_bytes = 1u << 30;
        struct store *st = unit_store_open(&o);
        housekeeping_write_much(st);
        assert_true(housekeeping_logs() >= 3);
        assert_int_equal(housekeeping_checkpoint(st, true, NULL), ERR_OK);
        assert_int_equal(housekeeping_logs() == 1, ways[i].goes);
        store_close(&st);
    }
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    unit_assert_span(span_to(unit_value(st, TABLE_META, SPAN("format")), 1), "\2");
    store_close(&st);
}

/* The thread itself, when the log has grown enough. */
static void housekeeping_bounds_the_log(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    o.checkpoint_bytes = 1u << 20;
    struct store *st = unit_store_open(&o);
    housekeeping_write_much(st);
    static char half[512 << 10];
    while (housekeeping_logs() > 1) {
        assert_int_equal(unit_put(st, TABLE_NAME, SPAN("half"), span_of(half, sizeof half)),
                         ERR_OK);
        assert_int_equal(usleep(1000), 0);
    }
    store_close(&st);
}

static void housekeeping_stops(void **state)
{
    (void)state;
    struct housekeeping *none = NULL;
    housekeeping_free(&none);
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct housekeeping *second = housekeeping_new(st);
    housekeeping_free(&second);
    assert_null(second);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(housekeeping_removes_old_logs),
        unit_test_dir(housekeeping_bounds_the_log),
        unit_test_dir(housekeeping_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
