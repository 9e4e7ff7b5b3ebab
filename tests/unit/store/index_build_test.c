#include "store/index_build.h"

#include "common/trip.h"
#include "store/bin.h"
#include "tests/unit/store/unit_index.h"

#include <signal.h>

static uint64_t stored;
static struct blob_writer *writer;
static struct span large;

static void put_large(struct txn *t)
{
    struct buf outline;
    buf_init(&outline, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, large);
    outline_end(p, &outline);
    outline_free(&p);
    unit_ok(blob_put(t, writer, buf_span(&outline), 1, &stored, f));
    struct msg_new m = {.blob = stored, .bytes = large.n, .internal = {1700000000, 0}};
    unit_ok(msg_append(t, unit_inbox, &m, &unit_uids[unit_body_count], f));
    buf_fini(&outline);
}

static void begin_large(struct store *st, struct span text)
{
    large = text;
    writer = blob_begin(st, &unit_home.post, NULL, NULL);
    for (struct span piece; text.n > 0; text = span_from(text, piece.n)) {
        piece = span_to(text, 64u << 10);
        blob_write(writer, piece);
        while (blob_busy(writer))
            unit_box_run(&unit_home);
    }
    while (blob_in_flight(writer))
        unit_box_run(&unit_home);
}

static void end_large(struct store *st)
{
    unit_run(st, put_large);
    blob_end(&writer, true);
    size_t i = unit_body_count++;
    for (; i > 0 && unit_bodies[i - 1] > stored; i--)
        unit_bodies[i] = unit_bodies[i - 1];
    unit_bodies[i] = stored;
}

static void assert_all(struct store *st)
{
    struct index_state is = unit_index_state(st);
    assert_int_equal(is.bodies, unit_body_count);
    assert_int_equal(is.indexed, unit_body_count);
}

/* Many small segments become few; nothing is lost on the way, nor when the store is opened again. */
static void index_build_merges(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    for (unsigned i = 0; i < 70; i++) {
        unit_index_fill(st, 1 + i % 20);
        unit_index_all(st);
        assert_true(unit_index_state(st).segments <= 3 * 8);
    }
    assert_all(st);
    for (unsigned again = 0; again < 2; again++) {
        (void)unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("ZANZIBAR"));
        (void)unit_index_never_wrong(st, BODY_TEXT_BODY, SPAN("ING A"));
        struct store_options o = unit_options();
        unit_check_clean(st);
        store_close(&st);
        st = unit_store_open(&o);
        assert_all(st);
    }
    unit_mail_close(&st);
}

/* A body whose number was taken before those of others, and which is there only after they have been indexed. */
static void index_build_finds_stragglers(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    struct buf text;
    buf_init(&text, 1 << 20);
    (void)buf_addz(&text, "Subject: late\r\n\r\n");
    while (text.n < 300000)
        (void)buf_addz(&text, "straggler ");
    unit_index_fill(st, 10);
    begin_large(st, buf_span(&text));
    unit_index_fill(st, 100);
    unit_index_all(st);
    end_large(st);
    assert_true(stored < unit_bodies[unit_body_count - 1]);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("RAGGLE")), 1);
    unit_index_all(st);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("RAGGLE")), 1);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQ")), 0);
    assert_all(st);
    buf_fini(&text);
    unit_mail_close(&st);
}

/* 20 MB of text with more grams than the index keeps of one body: never ruled out, and it harms no other. */
static void index_build_of_a_giant(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    struct buf text;
    buf_init(&text, 32u << 20);
    (void)buf_addz(&text, "Subject: giant\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    while (text.n < 20u << 20) {
        for (int i = 0; i < 70; i++)
            (void)buf_byte(&text, (char)(33 + unit_random(90)));
        (void)buf_addz(&text, "\r\n");
    }
    unit_index_fill(st, 5);
    begin_large(st, buf_span(&text));
    end_large(st);
    unit_index_all(st);
    assert_all(st);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQQQQ")), 1);
    unit_index_fill(st, 100);
    unit_index_all(st);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQQQQ")), 1);
    buf_fini(&text);
    unit_mail_close(&st);
}

static size_t gone_from, gone_to;
static void remove_some(struct txn *t)
{
    struct uidset uids = {0};
    unsigned gone;
    for (size_t i = gone_from; i < gone_to; i++)
        uidset_add(&uids, unit_uids[i], unit_uids[i]);
    unit_ok(msg_expunge(t, unit_inbox, &uids, false, NULL, f));
    uidset_fini(&uids);
    unit_ok(bin_expire(t, INT64_MAX, 100000, &gone, f));
}

/* Bodies that are gone leave the index when segments are merged, and a segment of which all are gone goes at once. */
static void index_build_forgets_the_gone(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    unit_index_fill(st, 600);
    unit_index_all(st);
    uint64_t before = unit_index_state(st).bytes;
    gone_from = 0;
    gone_to = 590;
    unit_run(st, remove_some);
    unit_body_count = 0;
    unit_index_fill(st, 10);
    for (unsigned i = 0; i < 20; i++) {
        unit_index_fill(st, 1);
        unit_index_all(st);
    }
    struct index_state is = unit_index_state(st);
    assert_int_equal(is.indexed, 10 + 30);
    assert_true(is.bytes < before / 2);
    (void)unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("ZANZIBAR"));
    unit_mail_close(&st);
}

static bool stop_at_once(void *arg, uint64_t done)
{
    (void)done;
    return ++*(unsigned *)arg < 2;
}

static void index_build_anew_and_stops(void **state)
{
    (void)state;
    unsigned calls = 0;
    struct store *st = unit_index_open();
    unit_index_fill(st, 200);
    unit_index_all(st);
    unit_err(index_build_anew(housekeeping_index(st), stop_at_once, &calls, f), ERR_BUSY);
    (void)unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("ZANZIBAR"));
    unit_ok(index_build_anew(housekeeping_index(st), NULL, NULL, f));
    assert_all(st);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQ")), 0);
    unit_mail_close(&st);
}

/* The n-th write, sync or allocation fails, until a run meets no failure: the store stays right, and the next run mends it. A failure
 * of the log ends the process (store/io.h), so each runs in a child; what it leaves is opened here. */
static unsigned long nth;
static enum trip_kind kind;

static int run_failing(void)
{
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct fault f = FAULT_NONE;
    trip_arm(kind, nth, 0, false);
    (void)index_build_anew(housekeeping_index(st), NULL, NULL, &f);
    bool hit = trip_disarm();
    store_close(&st);
    return hit ? 1 : 0;
}

static void index_build_under_faults(void **state)
{
    (void)state;
    static const enum trip_kind kinds[] = {TRIP_WRITE, TRIP_SYNC, TRIP_ALLOC};
    struct store *st = unit_index_open();
    struct store_options o = unit_options();
    unit_index_fill(st, 60);
    unit_index_all(st);
    for (size_t i = 0; i < UNIT_COUNT(kinds); i++) {
        int status = -1;
        kind = kinds[i];
        for (nth = 1; nth < 200 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0);
             nth += 1 + nth / 8) {
            store_close(&st);
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0)
                _exit(freopen("/dev/null", "w", stderr) ? run_failing() : 2);
            assert_int_equal(waitpid(child, &status, 0), child);
            st = unit_store_open(&o);
            (void)unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("ZANZIBAR"));
            unit_index_all(st);
            assert_all(st);
            unit_check_clean(st);
        }
    }
    unit_mail_close(&st);
}

/* Killed at any moment while it builds and merges. */
static void index_build_is_killed(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    struct store_options o = unit_options();
    unit_index_fill(st, 400);
    for (unsigned round = 0; round < 8; round++) {
        store_close(&st);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct fault f = FAULT_NONE;
            assert_non_null(freopen("/dev/null", "w", stderr));
            struct store *mine = unit_store_open(&o);
            trip_arm(TRIP_WRITE, 1 + round * 5, 0, true);
            while (!trip_now(TRIP_SYNC) &&
                   index_build_anew(housekeeping_index(mine), NULL, NULL, &f) == ERR_OK)
                continue;
            (void)kill(getpid(), SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        st = unit_store_open(&o);
        (void)unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("ZANZIBAR"));
        unit_check_clean(st);
        unit_index_all(st);
        assert_all(st);
        assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQ")), 0);
    }
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(index_build_merges),         unit_test_dir(index_build_finds_stragglers),
        unit_test_dir(index_build_of_a_giant),     unit_test_dir(index_build_forgets_the_gone),
        unit_test_dir(index_build_anew_and_stops), unit_test_dir(index_build_under_faults),
        unit_test_dir(index_build_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
