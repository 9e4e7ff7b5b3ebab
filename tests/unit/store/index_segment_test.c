#include "store/index_segment.h"

#include "tests/unit/store/unit_index.h"

#define LINES 3000u

static const struct index_row_column columns[] = {{1001, false}, {1002, true}, {5000, false}};

static void line_of(uint32_t i, struct index_row_bits *bits)
{
    memset(bits, 0, sizeof *bits);
    bits->words[0] = i % 8;
}

static void write_segment(struct store *st, uint64_t id, const uint64_t *replaced, size_t n)
{
    struct index_segment_writer w;
    struct index_row_bits bits;
    index_segment_begin(&w, st, id, columns, 3);
    for (uint32_t i = 0; i < LINES; i++) {
        line_of(i, &bits);
        index_segment_add(&w, i * 1000, &bits, NULL);
    }
    unit_ok(index_segment_end(&w, replaced, n, f));
}

static void assert_segment(struct store *st, uint64_t id)
{
    struct index_segment s;
    struct index_row_bits bits, expected;
    struct span line;
    uint32_t gram, i = 0;
    struct txn *t = unit_read(st);
    unit_ok(index_segment_load(t, id, &s, f));
    txn_read_end(&t);
    assert_int_equal(s.column_count, 3);
    for (size_t c = 0; c < 3; c++)
        assert_true(s.columns[c].body == columns[c].body && s.columns[c].wide == columns[c].wide);
    for (; index_segment_next(&s, &gram, &line); i++) {
        line_of(i, &expected);
        assert_int_equal(gram, i * 1000);
        assert_true(index_row_line(line, 3, &bits));
        assert_int_equal(bits.words[0], expected.words[0]);
    }
    assert_int_equal(i, LINES);
    assert_false(s.walk.damaged);
    index_segment_fini(&s);
}

static void assert_none(struct store *st, uint64_t id)
{
    struct index_segment s;
    struct txn *t = unit_read(st);
    assert_int_equal(index_segment_load(t, id, &s, NULL), ERR_NOTFOUND);
    txn_read_end(&t);
}

/* Segments beside each other; one that replaces others takes their heads away, and their rows are swept. */
static void index_segment_lives(void **state)
{
    (void)state;
    bool more = true;
    struct store *st = unit_mail_open();
    unit_index_all(st); /* housekeeping has looked around and does not wonder about what follows */
    write_segment(st, 1000, NULL, 0);
    write_segment(st, 1001, NULL, 0);
    assert_segment(st, 1000);
    assert_segment(st, 1001);
    const uint64_t replaced[] = {1000, 999};
    write_segment(st, 1002, replaced, 2);
    assert_none(st, 1000);
    assert_segment(st, 1001);
    assert_segment(st, 1002);
    while (more)
        unit_ok(index_segment_sweep(st, 1000, &more, f));
    assert_segment(st, 1001);
    const uint64_t forgotten[] = {1001, 1002};
    unit_ok(index_segment_forget(st, forgotten, 2, f));
    assert_none(st, 1001);
    for (uint64_t id = 1001; id <= 1002; id++) {
        for (more = true; more;)
            unit_ok(index_segment_sweep(st, id, &more, f));
    }
    struct buf key;
    struct txn *t = unit_read(st);
    buf_init(&key, 100);
    assert_int_equal(table_last(t, TABLE_INDEX, &key, NULL), ERR_NOTFOUND);
    buf_fini(&key);
    txn_read_end(&t);
    unit_mail_close(&st);
}

/* A row is at most as long as it may be, whatever its lines are. */
static void index_segment_rows_are_short(void **state)
{
    (void)state;
    static struct index_row_column many[INDEX_ROW_COLUMNS_MAX];
    struct index_segment_writer w;
    struct index_row_bits bits;
    struct store *st = unit_mail_open();
    unit_index_all(st);
    for (uint32_t i = 0; i < INDEX_ROW_COLUMNS_MAX; i++)
        many[i].body = i + 1;
    index_segment_begin(&w, st, 5, many, INDEX_ROW_COLUMNS_MAX);
    for (uint32_t i = 0; i < 500; i++) {
        memset(&bits, 0, sizeof bits);
        for (uint32_t n = 0; n < i * 8; n++)
            index_row_bit_set(&bits, unit_random(INDEX_ROW_COLUMNS_MAX));
        index_segment_add(&w, i, &bits, NULL);
    }
    unit_ok(index_segment_end(&w, NULL, 0, f));
    struct table_walk walk;
    struct schema_key k;
    struct span key, value;
    struct txn *t = unit_read(st);
    unsigned rows = 0;
    table_walk(&walk, t, TABLE_INDEX, index_row_key(&k, 5, 0), false);
    for (; table_walk_next(&walk, &key, &value); rows++)
        assert_true(value.n <= INDEX_ROW_BYTES);
    unit_ok(table_walk_end(&walk, f));
    assert_true(rows > 100);
    txn_read_end(&t);
    store_close(&st); /* its bodies are not there: no check */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(index_segment_lives),
        unit_test_dir(index_segment_rows_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
