#include "store/blob.h"

#include "common/trip.h"
#include "tests/unit/store/unit_store.h"

#include <errno.h>

#define BLOB_MOST (300u << 10)

static char blob_source[BLOB_MOST + 100000];
static struct unit_box blob_box = UNIT_BOX;

/* Half text, half noise: some chunks are packed, some are not. */
static int blob_source_make(void **state)
{
    (void)state;
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof blob_source; i++) {
        x = x * 1664525 + 1013904223;
        blob_source[i] = (i >> 16) % 2 ? (char)(x >> 24) : "the quick brown fox "[i % 20];
    }
    return 0;
}

/* A message on its way: one body, one row that names it. */
struct blob_delivery {
    struct store_op op;
    struct blob_writer *w;
    uint64_t id;
    uint32_t refs;
    enum err fails; /* after the body has been put, the first time round */
    bool done;
    enum err told;
};

static enum err blob_delivery_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct blob_delivery *d = (struct blob_delivery *)(void *)op;
    enum err e = blob_put(t, d->w, SPAN("an outline"), d->refs, &d->id, f);
    return e == ERR_OK && d->fails ? fault_set(f, d->fails, "no") : e;
}

static void blob_delivery_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct blob_delivery *d = (struct blob_delivery *)(void *)op;
    (void)f;
    d->done = true;
    d->told = e;
}

static unsigned blob_ready_count;

static void blob_ready(void *arg)
{
    (void)arg;
    blob_ready_count++;
}

/* Streams n bytes in pieces of that size, as a session would. */
static void blob_stream(struct blob_writer *w, size_t n, size_t piece)
{
    for (size_t at = 0; at < n; at += piece) {
        while (blob_busy(w))
            unit_box_run(&blob_box);
        blob_write(w, span_of(blob_source + at, n - at < piece ? n - at : piece));
    }
    while (blob_in_flight(w))
        unit_box_run(&blob_box);
    assert_int_equal(blob_written(w), n);
}

static enum err blob_deliver_with(struct store *st, struct blob_delivery *d, size_t n, size_t piece)
{
    d->w = blob_begin(st, &blob_box.post, blob_ready, NULL);
    blob_stream(d->w, n, piece);
    if (n % 2)
        blob_seal(d->w);
    else if (n % 4 == 0)
        blob_land(d->w);
    while (blob_in_flight(d->w))
        unit_box_run(&blob_box);
    d->op = (struct store_op){
        .apply = blob_delivery_apply, .done = blob_delivery_done, .home = &blob_box.post};
    d->done = false;
    committer_submit(st, &d->op);
    while (!d->done)
        unit_box_run(&blob_box);
    blob_end(&d->w, d->told == ERR_OK);
    assert_null(d->w);
    return d->told;
}

static uint64_t blob_deliver(struct store *st, size_t n, size_t piece, uint32_t refs)
{
    struct blob_delivery d = {.refs = refs};
    assert_int_equal(blob_deliver_with(st, &d, n, piece), ERR_OK);
    assert_true(d.id > 0);
    return d.id;
}

/* Rows of a table. */
static size_t blob_rows(struct store *st, enum table table)
{
    struct txn *t = unit_read(st);
    struct table_walk w;
    struct span k, v;
    struct fault f = FAULT_NONE;
    size_t n = 0;
    table_walk(&w, t, table, SPAN(""), false);
    while (table_walk_next(&w, &k, &v))
        n++;
    unit_assert_ok(table_walk_end(&w, &f), &f);
    txn_read_end(&t);
    return n;
}

static void blob_assert_nothing(struct store *st)
{
    /* Operations of this thread before it are through by then. */
    assert_int_equal(unit_put(st, TABLE_META, SPAN("barrier"), SPAN("")), ERR_OK);
    assert_int_equal(blob_rows(st, TABLE_BODY), 0);
    assert_int_equal(blob_rows(st, TABLE_OUTLINE), 0);
    assert_int_equal(blob_rows(st, TABLE_CHUNK), 0);
    assert_int_equal(blob_rows(st, TABLE_PENDING), 0);
}

static void blob_assert_is(struct txn *t, uint64_t id, size_t n)
{
    struct blob_info is;
    struct buf b;
    struct fault f = FAULT_NONE;
    buf_init(&b, BLOB_MOST + 1);
    unit_assert_ok(blob_info(t, id, &is, &f), &f);
    assert_int_equal(is.bytes, n);
    assert_int_equal(is.chunks, (n + BLOB_CHUNK_BYTES - 1) / BLOB_CHUNK_BYTES);
    unit_assert_ok(blob_read(t, id, 0, SIZE_MAX, &b, &f), &f);
    unit_assert_same(buf_span(&b), span_of(blob_source, n));
    static const size_t places[] = {0, 1, 1000, 65535, 65536, 65537, 131072, 200000, BLOB_MOST};
    static const size_t lengths[] = {0, 1, 100, 65536, 70000};
    for (size_t i = 0; i < UNIT_COUNT(places); i++) {
        for (size_t k = 0; k < UNIT_COUNT(lengths); k++) {
            size_t at = places[i] < n ? places[i] : n;
            buf_reset(&b);
            (void)buf_addz(&b, "x"); /* adds to what is there */
            unit_assert_ok(blob_read(t, id, places[i], lengths[k], &b, &f), &f);
            unit_assert_same(span_from(buf_span(&b), 1),
                             span_to(span_of(blob_source + at, n - at), lengths[k]));
        }
    }
    unit_assert_ok(blob_outline(t, id, &b, &f), &f);
    unit_assert_span(buf_span(&b), "an outline");
    buf_fini(&b);
}

/* --- cases --- */

static void blob_keeps_any_size(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    static const size_t sizes[] = {0,     1,     1023,   1024,   10000,    65535,
                                   65536, 65537, 131072, 196609, BLOB_MOST};
    static const size_t pieces[] = {997, 16384, 65536, 65537, SIZE_MAX / 2};
    uint64_t last = 0;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        for (size_t k = 0; k < UNIT_COUNT(pieces); k++) {
            uint64_t id = blob_deliver(st, sizes[i], pieces[k], 1);
            assert_true(id > last);
            last = id;
            struct txn *t = unit_read(st);
            blob_assert_is(t, id, sizes[i]);
            txn_read_end(&t);
        }
    }
    assert_int_equal(blob_rows(st, TABLE_PENDING), 0);
    assert_int_equal(blob_rows(st, TABLE_BODY), UNIT_COUNT(sizes) * UNIT_COUNT(pieces));
    store_close(&st);
    st = unit_store_open(&o);
    assert_true(blob_deliver(st, 10, 10, 1) > last);
    struct txn *t = unit_read(st);
    blob_assert_is(t, last, BLOB_MOST);
    struct blob_info is;
    struct fault f = FAULT_NONE;
    assert_int_equal(blob_info(t, last + 1, &is, &f), ERR_NOTFOUND);
    txn_read_end(&t);
    store_close(&st);
}

static void blob_is_bounded(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct blob_writer *w = blob_begin(st, &blob_box.post, blob_ready, NULL);
    assert_false(blob_busy(w) || blob_in_flight(w));
    blob_ready_count = 0;
    blob_write(w, span_of(blob_source, BLOB_CHUNK_BYTES));
    assert_false(blob_in_flight(w)); /* the last chunk stays */
    blob_write(w, span_of(blob_source, (BLOB_AHEAD_COUNT - 1) * BLOB_CHUNK_BYTES));
    assert_true(blob_in_flight(w));
    assert_false(blob_busy(w));
    blob_write(w, span_of(blob_source, 1));
    assert_true(blob_busy(w)); /* nothing has been told yet, as nobody has looked into the box */
    while (blob_in_flight(w))
        unit_box_run(&blob_box);
    assert_int_equal(blob_ready_count, BLOB_AHEAD_COUNT);
    assert_false(blob_busy(w));
    assert_int_equal(blob_state(w, NULL), ERR_OK);
    assert_int_equal(blob_rows(st, TABLE_PENDING), 1);
    blob_end(&w, false);
    blob_end(&w, false);
    blob_assert_nothing(st);
    store_close(&st);
}

static void blob_ends_in_flight(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    blob_ready_count = 0;
    struct blob_writer *w = blob_begin(st, &blob_box.post, blob_ready, NULL);
    blob_write(w, span_of(blob_source, 4 * BLOB_CHUNK_BYTES));
    blob_end(&w, false);
    blob_assert_nothing(st);
    unit_box_run(&blob_box);
    assert_int_equal(blob_ready_count, 0); /* an ended writer says nothing */
    store_close(&st);
}

/* What is still to be dropped when the store closes leaves no letter that would find the store gone. */
static void blob_ends_with_the_store(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct blob_writer *w = blob_begin(st, &blob_box.post, blob_ready, NULL);
    for (int i = 0; i < 100; i++) {
        blob_write(w, span_of(blob_source, BLOB_CHUNK_BYTES));
        while (blob_busy(w))
            unit_box_run(&blob_box);
    }
    while (blob_in_flight(w))
        unit_box_run(&blob_box);
    blob_end(&w, false);
    store_close(&st);
    assert_null(blob_box.first);
    st = unit_store_open(&o);
    blob_assert_nothing(st);
    store_close(&st);
}

static void blob_goes_with_its_operation(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 5000, 65536, 200000};
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        struct blob_delivery d = {.refs = 1, .fails = ERR_QUOTA};
        assert_int_equal(blob_deliver_with(st, &d, sizes[i], 8192), ERR_QUOTA);
        blob_assert_nothing(st);
    }
    while (blob_box.first)
        unit_box_run(&blob_box);
    store_close(&st);
}

/* --- references --- */

struct blob_count {
    struct store_op op;
    uint64_t id;
    int by;
};

static enum err blob_count_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct blob_count *c = (struct blob_count *)(void *)op;
    return c->by > 0 ? blob_keep(t, c->id, (uint32_t)c->by, f) : blob_drop(t, c->id, f);
}

static enum err blob_count(struct store *st, uint64_t id, int by)
{
    struct blob_count c = {.op = {.apply = blob_count_apply}, .id = id, .by = by};
    return committer_run(st, &c.op, NULL);
}

static void blob_counts_references(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    uint64_t id = blob_deliver(st, 200000, 5000, 2);
    static const int steps[] = {-1, 3, -1, -1, -1};
    uint32_t refs = 2;
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        assert_int_equal(blob_count(st, id, steps[i]), ERR_OK);
        refs += (uint32_t)steps[i];
        struct txn *t = unit_read(st);
        struct blob_info is;
        assert_int_equal(blob_info(t, id, &is, NULL), ERR_OK);
        assert_int_equal(is.refs, refs);
        blob_assert_is(t, id, 200000);
        txn_read_end(&t);
    }
    assert_int_equal(refs, 1);
    struct txn *still = unit_read(st);
    assert_int_equal(blob_count(st, id, -1), ERR_OK);
    blob_assert_is(still, id, 200000); /* who reads it may go on */
    txn_read_end(&still);
    blob_assert_nothing(st);
    assert_int_equal(blob_count(st, id, -1), ERR_NOTFOUND);
    assert_int_equal(blob_count(st, id, 1), ERR_NOTFOUND);
    store_close(&st);
}

static void blob_notices_damage(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "\2rubbish", "\1", "\1\xff\xff\xff\xff",
                                       "\1\x10\1\1\1not zstd"};
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    uint64_t id = blob_deliver(st, 5000, 5000, 1);
    char key[12] = {0};
    for (size_t i = 0; i < 8; i++)
        key[i] = (char)(id >> (56 - 8 * i));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        assert_int_equal(unit_put(st, TABLE_CHUNK, span_of(key, 12), span_cstr(rows[i])), ERR_OK);
        struct txn *t = unit_read(st);
        struct buf b;
        buf_init(&b, 10000);
        assert_int_equal(blob_read(t, id, 0, SIZE_MAX, &b, NULL), ERR_CORRUPT);
        assert_int_equal(blob_read(t, id, 100, 10, &b, NULL), ERR_CORRUPT);
        buf_fini(&b);
        txn_read_end(&t);
    }
    store_close(&st);
}

/* --- faults --- */

/* Every write that can fail does, once with a full disk: then nothing of the body is left, or all of it. */
static void blob_fails_step_by_step(void **state)
{
    (void)state;
    log_level((enum log_level)(LOG_ERROR - 1));
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    bool hit = true;
    unsigned long nth = 0, refused = 0;
    while (hit) {
        struct blob_delivery d = {.refs = 1};
        trip_arm(TRIP_WRITE, ++nth, ENOSPC, false);
        enum err e = blob_deliver_with(st, &d, 200000, 8192);
        hit = trip_disarm();
        assert_true(e == ERR_OK || (hit && e == ERR_FULL));
        if (e == ERR_OK) {
            struct txn *t = unit_read(st);
            blob_assert_is(t, d.id, 200000);
            txn_read_end(&t);
            assert_int_equal(blob_count(st, d.id, -1), ERR_OK);
        } else {
            refused++;
        }
        blob_assert_nothing(st);
    }
    assert_true(refused > 0);
    while (blob_box.first)
        unit_box_run(&blob_box);
    store_close(&st);
}

/* Dies with chunks written ahead. */
static void blob_victim(void)
{
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct blob_writer *w = blob_begin(st, &blob_box.post, NULL, NULL);
    blob_stream(w, BLOB_MOST, 8192);
    kill(getpid(), SIGKILL);
}

static void blob_sweeps_what_nothing_names(void **state)
{
    (void)state;
    char text[4096];
    assert_true(WIFSIGNALED(unit_child(blob_victim, text, sizeof text)));
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    blob_assert_nothing(st);
    assert_true(blob_deliver(st, 10, 10, 1) > 1); /* and its number is not given again */
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(blob_keeps_any_size),          unit_test_dir(blob_is_bounded),
        unit_test_dir(blob_ends_in_flight),          unit_test_dir(blob_ends_with_the_store),
        unit_test_dir(blob_goes_with_its_operation), unit_test_dir(blob_counts_references),
        unit_test_dir(blob_notices_damage),          unit_test_dir(blob_sweeps_what_nothing_names),
        unit_test_dir(blob_fails_step_by_step),
    };
    return cmocka_run_group_tests(tests, blob_source_make, NULL);
}
