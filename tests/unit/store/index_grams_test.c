#include "store/index_grams.h"

#include "tests/unit/store/unit_index.h"

static uint64_t body;
static const char *text;

static void put(struct txn *t)
{
    uint32_t uid;
    body = unit_body(t, text, 1);
    struct msg_new m = {.blob = body, .bytes = strlen(text), .internal = {1700000000, 0}};
    unit_ok(msg_append(t, unit_inbox, &m, &uid, f));
}

static uint64_t add(struct store *st, const char *what)
{
    text = what;
    unit_run(st, put);
    return body;
}

/* As "hABC/0": family, bytes, column. */
static void assert_grams(const struct index_grams *g, const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < g->count; i++) {
        uint32_t gram = (uint32_t)(g->entries[i] >> 16);
        (void)buf_addf(&b, "%s%c%c%c%c/%u", i ? " " : "", "hb"[gram >> 24], gram >> 16 & 0xff,
                       gram >> 8 & 0xff, gram & 0xff, (unsigned)(g->entries[i] & 0xffff));
    }
    unit_assert_same(buf_span(&b), span_cstr(expected));
    buf_fini(&b);
}

/* Each once a body, header and body apart, none across two runs. */
static void index_grams_of_bodies(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    struct index_grams g;
    bool wide;
    index_grams_init(&g);
    unit_ok(index_grams_read(&g, st, add(st, "X: Y\r\nZ:\r\n\r\nabcabc"), 0, &wide, f));
    assert_false(wide);
    unit_ok(index_grams_read(&g, st, add(st, "\r\nbca x: y"), 1, &wide, f));
    unit_ok(index_grams_read(&g, st, add(st, "\r\nab"), 2, &wide, f));
    index_grams_sort(&g);
    assert_grams(
        &g, "h: Y/0 hX: /0 hZ: /0 b X:/1 b: Y/1 bA X/1 bABC/0 bBCA/0 bBCA/1 bCA /1 bCAB/0 bX: /1");
    index_grams_clear(&g);
    index_grams_sort(&g);
    assert_grams(&g, "");
    index_grams_trim(&g);
    unit_err(index_grams_read(&g, st, 9999, 0, &wide, f), ERR_NOTFOUND);
    assert_int_equal(g.count, 0);
    index_grams_fini(&g);
    unit_mail_close(&st);
}

/* What was seen in one body is not remembered in the next. */
static void index_grams_forget(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    struct index_grams g;
    bool wide;
    index_grams_init(&g);
    unit_index_fill(st, 50);
    size_t counts[50];
    for (unsigned again = 0; again < 2; again++) {
        for (size_t i = 0; i < 50; i++) {
            size_t before = g.count;
            unit_ok(index_grams_read(&g, st, unit_bodies[i], (uint32_t)i, &wide, f));
            assert_true(g.count > before && (!again || g.count - before == counts[i]));
            counts[i] = g.count - before;
        }
    }
    index_grams_sort(&g);
    for (size_t i = 1; i < g.count; i++)
        assert_true(g.entries[i - 1] >> 16 <= g.entries[i] >> 16);
    index_grams_fini(&g);
    unit_mail_close(&st);
}

static struct blob_writer *writer;
static struct span large;

static void put_large(struct txn *t)
{
    struct buf outline;
    uint32_t uid;
    buf_init(&outline, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, large);
    outline_end(p, &outline);
    outline_free(&p);
    unit_ok(blob_put(t, writer, buf_span(&outline), 1, &body, f));
    struct msg_new m = {.blob = body, .bytes = large.n, .internal = {1700000000, 0}};
    unit_ok(msg_append(t, unit_inbox, &m, &uid, f));
    buf_fini(&outline);
}

/* Grams that lie across two chunks of a body, and so across two pieces of its text, are there. */
static void index_grams_across_chunks(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    struct index_grams g;
    struct buf b;
    bool wide;
    buf_init(&b, 1 << 20);
    (void)buf_addz(&b, "\r\n");
    while (b.n < 200000)
        (void)buf_byte(&b, b.n == 65534 || b.n == 131071 ? 'q' : b.n == 65536 ? 'z' : 'x');
    large = buf_span(&b);
    writer = blob_begin(st, &unit_home.post, NULL, NULL);
    blob_write(writer, large);
    while (blob_in_flight(writer))
        unit_box_run(&unit_home);
    unit_run(st, put_large);
    blob_end(&writer, true);
    index_grams_init(&g);
    unit_ok(index_grams_read(&g, st, body, 0, &wide, f));
    index_grams_sort(&g);
    assert_grams(&g, "bQXX/0 bQXZ/0 bXQX/0 bXXQ/0 bXXX/0 bXZX/0 bZXX/0");
    index_grams_fini(&g);
    buf_fini(&b);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(index_grams_of_bodies),
        unit_test_dir(index_grams_forget),
        unit_test_dir(index_grams_across_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
