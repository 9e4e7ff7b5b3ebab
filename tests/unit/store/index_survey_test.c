#include "store/index_survey.h"

#include "store/index_segment.h"
#include "tests/unit/store/unit_index.h"

static void write_segment(struct store *st, uint64_t id, const struct index_row_column *columns,
                          uint32_t n)
{
    struct index_segment_writer w;
    struct index_row_bits bits = {{1}};
    index_segment_begin(&w, st, id, columns, n);
    index_segment_add(&w, 0x414141, &bits, NULL);
    unit_ok(index_segment_end(&w, NULL, 0, f));
}

/* Segments with what they have and lack, rows without a head, and the tail. */
static void index_survey_finds(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    struct index_survey s;
    uint64_t gone = 900;
    unit_index_fill(st, 6);
    unit_index_all(st);
    index_survey_init(&s);
    unit_ok(index_survey(&s, st, f));
    assert_int_equal(index_survey_live(&s), 6);
    assert_int_equal(s.tail_count, 0);
    assert_int_equal(s.orphan_count, 0);
    assert_int_equal(s.next_body, unit_bodies[5] + 1);
    uint64_t first = s.next_segment;
    for (size_t i = 0; i < s.segment_count; i++)
        unit_ok(index_segment_forget(st, &s.segments[i].id, 1, f));
    const struct index_row_column columns[] = {
        {unit_bodies[1], false}, {unit_bodies[4], true}, {unit_bodies[5] + gone, false}};
    write_segment(st, first + 100, columns, 3);
    unit_ok(index_survey(&s, st, f));
    assert_int_equal(s.segments[s.segment_count - 1].live, 2);
    assert_true(s.next_segment > first + 100);
    assert_true(s.orphan_count > 0);
    static const size_t tail[] = {0, 2, 3, 5};
    assert_int_equal(s.tail_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s.tail[i], unit_bodies[tail[i]]);
    unit_index_fill(st, 3);
    unit_ok(index_survey_more(&s, st, 2, f));
    assert_int_equal(s.tail_count, 6);
    unit_ok(index_survey_more(&s, st, 2, f));
    unit_ok(index_survey_more(&s, st, 2, f));
    assert_int_equal(s.tail_count, 7);
    size_t orphans = s.orphan_count;
    index_survey_remove(&s, first + 100);
    index_survey_remove(&s, 12345);
    assert_int_equal(s.orphan_count, orphans + 1);
    assert_int_equal(index_survey_live(&s), 0);
    index_survey_fini(&s);
    unit_ok(index_build_anew(housekeeping_index(st), NULL, NULL, f));
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(index_survey_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
