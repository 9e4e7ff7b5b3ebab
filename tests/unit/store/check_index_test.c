#include "store/index_segment.h"
#include "store/index_survey.h"
#include "tests/unit/store/unit_index.h"

/* A segment of all bodies, with a line left out or a bit; or none of these. */
static void write_wrong(struct store *st, uint32_t body, bool line)
{
    struct index_row_column columns[10];
    struct index_segment_writer w;
    struct index_segment s;
    struct index_row_bits bits;
    struct span packed;
    uint32_t gram, skip = 0;
    struct index_survey survey;
    index_survey_init(&survey);
    unit_ok(index_survey(&survey, st, f));
    struct txn *t = unit_read(st);
    unit_ok(index_segment_load(t, survey.segments[0].id, &s, f));
    txn_read_end(&t);
    memcpy(columns, s.columns, sizeof columns);
    index_segment_begin(&w, st, survey.next_segment, columns, 10);
    while (index_segment_next(&s, &gram, &packed)) {
        assert_true(index_row_line(packed, 10, &bits));
        if (body < 10 && index_row_bit(&bits, body) && skip++ == 20) {
            if (line)
                continue;
            bits.words[0] &= ~(UINT64_C(1) << body);
        }
        index_segment_add(&w, gram, &bits, NULL);
    }
    unit_ok(index_segment_end(&w, &s.id, 1, f));
    index_segment_fini(&s);
    index_survey_fini(&survey);
}

static void check_index_finds(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    unit_index_fill(st, 10);
    unit_index_all(st);
    write_wrong(st, 10, false);
    unit_check_clean(st);
    for (unsigned way = 0; way < 2; way++) {
        write_wrong(st, 0, way == 1);
        unit_check_finds(st, "I18", "rules out");
        unit_ok(index_build_anew(housekeeping_index(st), NULL, NULL, f));
        unit_check_clean(st);
    }
    assert_int_equal(unit_put(st, TABLE_INDEX, SPAN("x"), SPAN("")), ERR_OK);
    unit_check_finds(st, "I1", "search index");
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(check_index_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
