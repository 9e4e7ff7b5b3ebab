#include "store/index_merge.h"

#include "tests/unit/store/unit_index.h"

#define SEGMENTS 5u
#define EACH 20u

static bool is_member(uint32_t body, uint32_t gram)
{
    return (body * 7919u + gram * 104729u) % 5u == 0;
}

/* Bodies are dealt out: segment i has i, i + SEGMENTS, ...; gone: a number that no body has among them. */
static void write_segments(struct store *st)
{
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        struct index_row_column columns[EACH];
        struct index_segment_writer w;
        for (uint32_t c = 0; c < EACH; c++)
            columns[c] = (struct index_row_column){unit_bodies[i + c * SEGMENTS], c == 3};
        columns[EACH - 1].body += 100000;
        index_segment_begin(&w, st, 1000 + i, columns, EACH);
        for (uint32_t gram = i; gram < 400; gram++) {
            struct index_row_bits bits = {{0}};
            for (uint32_t c = 0; c < EACH; c++) {
                if (c != 3 && is_member(i + c * SEGMENTS, gram))
                    index_row_bit_set(&bits, c);
            }
            index_segment_add(&w, gram, &bits, NULL);
        }
        unit_ok(index_segment_end(&w, NULL, 0, f));
    }
}

static void assert_merged(const struct index_segment *s, uint32_t gram, struct span line)
{
    struct index_row_bits bits;
    assert_true(index_row_line(line, s->column_count, &bits));
    for (uint32_t c = 0; c < s->column_count; c++) {
        uint32_t i = 0;
        while (unit_bodies[i] != s->columns[c].body)
            i++;
        bool wide = i / SEGMENTS == 3;
        assert_int_equal(s->columns[c].wide, wide);
        assert_int_equal(index_row_bit(&bits, c),
                         !wide && gram >= i % SEGMENTS && is_member(i, gram));
    }
}

static void index_merge_keeps_all(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    uint64_t ids[SEGMENTS];
    uint32_t columns, gram, lines = 0;
    struct index_segment s;
    struct span line;
    unit_index_fill(st, SEGMENTS * EACH);
    unit_index_all(st); /* housekeeping has nothing to do */
    write_segments(st);
    for (uint32_t i = 0; i < SEGMENTS; i++)
        ids[i] = 1000 + i;
    unit_ok(index_merge(st, ids, SEGMENTS, 2000, &columns, f));
    assert_int_equal(columns, SEGMENTS * (EACH - 1));
    struct txn *t = unit_read(st);
    assert_int_equal(index_segment_load(t, 1000, &s, NULL), ERR_NOTFOUND);
    unit_ok(index_segment_load(t, 2000, &s, f));
    txn_read_end(&t);
    for (uint32_t i = 1; i < s.column_count; i++)
        assert_true(s.columns[i - 1].body < s.columns[i].body);
    for (; index_segment_next(&s, &gram, &line); lines++)
        assert_merged(&s, gram, line);
    assert_true(lines > 390); /* of the first grams no body may be left */
    index_segment_fini(&s);
    /* of which all are gone: nothing is left */
    const struct index_row_column gone = {999999, false};
    const uint64_t of_gone = 3000;
    struct index_segment_writer w;
    struct index_row_bits bits = {{1}};
    index_segment_begin(&w, st, of_gone, &gone, 1);
    index_segment_add(&w, 1, &bits, NULL);
    unit_ok(index_segment_end(&w, NULL, 0, f));
    unit_ok(index_merge(st, &of_gone, 1, 3001, &columns, f));
    assert_int_equal(columns, 0);
    assert_int_equal(
        unit_put(st, TABLE_INDEX, span_of("p\0\0\0\0\0\0\7\320\0\0\0\0", 13), SPAN("\200")),
        ERR_OK);
    const uint64_t damaged = 2000;
    unit_err(index_merge(st, &damaged, 1, 3002, &columns, f), ERR_CORRUPT);
    unit_ok(index_build_anew(housekeeping_index(st), NULL, NULL, f));
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(index_merge_keeps_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
