#include "store/io.h"

#include "common/trip.h"
#include "tests/unit/store/unit_store.h"

#include <db.h>
#include <errno.h>

static void io_names_errors(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum err kind;
    } cases[] = {{ENOSPC, ERR_FULL}, {EDQUOT, ERR_FULL},           {ENOMEM, ERR_FULL},
                 {EIO, ERR_IO},      {DB_NOTFOUND, ERR_NOTFOUND},  {DB_KEYEXIST, ERR_EXISTS},
                 {EACCES, ERR_IO},   {DB_LOCK_DEADLOCK, ERR_BUSY}, {DB_RUNRECOVERY, ERR_CORRUPT}};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct fault f = FAULT_NONE;
        assert_int_equal(io_fault(&f, cases[i].error, "try"), cases[i].kind);
        assert_non_null(strstr(f.text, "try: "));
        assert_int_equal(io_fault(NULL, cases[i].error, "try"), cases[i].kind);
    }
}

static void io_syncs_directories(void **state)
{
    (void)state;
    assert_int_equal(io_sync_dir(unit_dir), 0);
    assert_int_equal(io_sync_dir(unit_path("nothing")), ENOENT);
}

/* --- a full disk --- */

static char io_big[3000];

static void io_full_disk_loses_nothing(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    log_level((enum log_level)(LOG_ERROR - 1)); /* Berkeley DB complains at length */
    for (unsigned long nth = 1; nth <= 3; nth++) {
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            char key[2] = {(char)('a' + nth), (char)('0' + for_ever)};
            trip_arm(TRIP_WRITE, nth, ENOSPC, for_ever);
            enum err e = unit_put(st, TABLE_NAME, span_of(key, 2), span_of(io_big, sizeof io_big));
            bool hit = trip_disarm();
            assert_true(e == ERR_OK || (hit && e == ERR_FULL));
            assert_true(nth > 1 || e == ERR_FULL);
            struct span is = unit_value(st, TABLE_NAME, span_of(key, 2));
            assert_int_equal(is.n, e == ERR_OK ? sizeof io_big : strlen("(none)"));
            assert_int_equal(unit_put(st, TABLE_NAME, span_of(key, 2), SPAN("room again")), ERR_OK);
        }
    }
    store_close(&st);
    st = unit_store_open(&o);
    unit_assert_span(unit_value(st, TABLE_NAME, SPAN("b0")), "room again");
    unit_assert_span(unit_value(st, TABLE_NAME, SPAN("d1")), "room again");
    store_close(&st);
}

/* --- a disk that fails: the process ends before it could acknowledge what is not there --- */

static enum trip_kind io_kind;
static unsigned long io_nth;
static int io_error;

/* 0: nothing failed and the row is there; 3: an error was told; else the store ended the process. */
static void io_victim(void)
{
    struct store_options o = unit_options();
    struct store *st;
    if (store_open(&o, &st, NULL) != ERR_OK)
        _exit(1);
    trip_arm(io_kind, io_nth, io_error, false);
    enum err e = unit_put(st, TABLE_NAME, SPAN("victim"), SPAN("there"));
    bool hit = trip_disarm();
    _exit(e != ERR_OK ? 3 : hit ? 4 : 0);
}

static int io_run_victim(char *text, size_t n)
{
    int status = unit_child(io_victim, text, n);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void io_ends_on_a_failed_log(void **state)
{
    (void)state;
    static const struct {
        enum trip_kind kind;
        int error, status;
    } cases[] = {{TRIP_SYNC, EIO, 75},
                 {TRIP_SYNC, ENOSPC, 75},
                 {TRIP_WRITE, EIO, 75},
                 {TRIP_WRITE, ENOSPC, 3}};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char text[8192];
        io_kind = cases[i].kind;
        io_nth = 1;
        io_error = cases[i].error;
        assert_int_equal(io_run_victim(text, sizeof text), cases[i].status);
        assert_int_equal(strstr(text, "store.sync_failed") != NULL, cases[i].status == 75);
        struct store_options o = unit_options();
        struct store *st = unit_store_open(&o);
        store_close(&st);
    }
}

/* Whatever fails, at whichever step: what was acknowledged is there, and the store opens. */
static void io_fails_step_by_step(void **state)
{
    (void)state;
    static const enum trip_kind kinds[] = {TRIP_WRITE, TRIP_SYNC, TRIP_READ, TRIP_OPEN, TRIP_ALLOC};
    for (size_t i = 0; i < UNIT_COUNT(kinds); i++) {
        int status = -1;
        for (io_nth = 1; status != 0; io_nth++) {
            char text[8192];
            io_kind = kinds[i];
            io_error = 0;
            status = io_run_victim(text, sizeof text);
            assert_true(status == 0 || status == 3 || status == 4 || status == 70 || status == 75);
            struct store_options o = unit_options();
            struct store *st = unit_store_open(&o);
            if (status == 0 || status == 4)
                unit_assert_span(unit_value(st, TABLE_NAME, SPAN("victim")), "there");
            assert_int_equal(unit_put(st, TABLE_NAME, SPAN("victim"), SPAN("and after")), ERR_OK);
            store_close(&st);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_names_errors),         unit_test_dir(io_syncs_directories),
        unit_test_dir(io_full_disk_loses_nothing), unit_test_dir(io_ends_on_a_failed_log),
        unit_test_dir(io_fails_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
