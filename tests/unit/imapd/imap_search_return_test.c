#include "imapd/imap_search_return.h"

#include "tests/unit/unit.h"

/* 2:4 7 9:10 */
static struct uidset found;

static int begin(void **state)
{
    (void)state;
    uidset_add(&found, 2, 4);
    uidset_add(&found, 7, 7);
    uidset_add(&found, 9, 10);
    return 0;
}

static int end(void **state)
{
    (void)state;
    uidset_fini(&found);
    return 0;
}

static void assert_text(const struct uidset *got, const char *expected)
{
    struct buf text;
    buf_init(&text, 4096);
    uidset_text(got, &text);
    unit_assert_same(buf_span(&text), span_cstr(expected));
    buf_fini(&text);
}

static void partial_ranges(void **state)
{
    (void)state;
    static const struct {
        bool backwards;
        uint32_t first, last;
        const char *range, *part;
    } rows[] = {{false, 1, 1, "1:1", "2"},          {false, 1, 3, "1:3", "2:4"},
                {false, 3, 5, "3:5", "4,7,9"},      {false, 6, 500, "6:500", "10"},
                {false, 7, 9, "7:9", ""},           {true, 1, 1, "-1:-1", "10"},
                {true, 1, 2, "-1:-2", "9:10"},      {true, 3, 4, "-3:-4", "4,7"},
                {true, 5, 100, "-5:-100", "2:3"},   {true, 7, 7, "-7:-7", ""},
                {true, 1, 6, "-1:-6", "2:4,7,9:10"}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_partial p = {rows[i].backwards, rows[i].first, rows[i].last};
        struct uidset part = {0};
        struct buf range;
        buf_init(&range, 64);
        imap_search_return_partial(&found, &p, &part);
        imap_search_return_range(&p, &range);
        assert_text(&part, rows[i].part);
        unit_assert_same(buf_span(&range), span_cstr(rows[i].range));
        buf_fini(&range);
        uidset_fini(&part);
    }
    struct uidset none = {0}, part = {0};
    imap_search_return_partial(&none, &(struct search_partial){true, 1, 5}, &part);
    assert_true(uidset_empty(&part));
}

/* The table of RFC 9051 §6.4.4.1 and that of RFC 9394 §3.2. */
static void saved_results(void **state)
{
    (void)state;
    static const struct {
        unsigned returns;
        const char *saved;
    } rows[] = {{SEARCH_SAVE, "2:4,7,9:10"},
                {SEARCH_SAVE | SEARCH_MIN, "2"},
                {SEARCH_SAVE | SEARCH_MAX, "10"},
                {SEARCH_SAVE | SEARCH_MIN | SEARCH_MAX, "2,10"},
                {SEARCH_SAVE | SEARCH_MIN | SEARCH_COUNT, "2:4,7,9:10"},
                {SEARCH_SAVE | SEARCH_MIN | SEARCH_LIST, "2:4,7,9:10"},
                {SEARCH_SAVE | SEARCH_PARTIAL, "3:4"},
                {SEARCH_SAVE | SEARCH_PARTIAL | SEARCH_MIN, "2:4"},
                {SEARCH_SAVE | SEARCH_PARTIAL | SEARCH_MAX, "3:4,10"},
                {SEARCH_SAVE | SEARCH_PARTIAL | SEARCH_MIN | SEARCH_MAX, "2:4,10"},
                {SEARCH_SAVE | SEARCH_PARTIAL | SEARCH_COUNT, "2:4,7,9:10"},
                {SEARCH_SAVE | SEARCH_PARTIAL | SEARCH_COUNT | SEARCH_MIN, "2:4,7,9:10"}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_program p = {.returns = rows[i].returns, .partial = {false, 2, 3}};
        struct uidset saved = {0};
        imap_search_return_saved(&p, &found, &saved);
        assert_text(&saved, rows[i].saved);
        uidset_fini(&saved);
    }
}

static void data_items(void **state)
{
    (void)state;
    static const struct {
        unsigned returns;
        bool modseq;
        const char *data;
    } rows[] = {
        {0, false, " ALL 2:4,7,9:10"},
        {SEARCH_MIN | SEARCH_MAX | SEARCH_COUNT, false, " MIN 2 MAX 10 COUNT 6"},
        {SEARCH_PARTIAL, false, " PARTIAL (-2:-3 7,9)"},
        {SEARCH_LIST | SEARCH_RELEVANCY, false, " ALL 2:4,7,9:10 RELEVANCY (1 2 3 4 5 100)"},
        {SEARCH_PARTIAL | SEARCH_RELEVANCY, false, " PARTIAL (-2:-3 7,9) RELEVANCY (4 5)"},
        {SEARCH_MIN, true, " MIN 2 MODSEQ 30"},
        {SEARCH_MAX, true, " MAX 10 MODSEQ 20"},
        {SEARCH_MIN | SEARCH_MAX, true, " MIN 2 MAX 10 MODSEQ 30"},
        {SEARCH_COUNT, true, " COUNT 6 MODSEQ 40"},
        {SEARCH_COUNT | SEARCH_MIN, true, " MIN 2 COUNT 6 MODSEQ 40"}};
    struct imap_find find = {.modseq = 40, .first_modseq = 30, .last_modseq = 20};
    buf_init(&find.scores, 64);
    buf_addz(&find.scores, "\1\2\3\4\5"); /* of the last nothing is known */
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_program p = {
            .returns = rows[i].returns, .modseq = rows[i].modseq, .partial = {true, 2, 3}};
        struct buf data;
        buf_init(&data, 4096);
        imap_search_return_data(&p, &find, &found, &data);
        unit_assert_same(buf_span(&data), span_cstr(rows[i].data));
        buf_fini(&data);
    }
    buf_fini(&find.scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(partial_ranges),
                                       cmocka_unit_test(saved_results),
                                       cmocka_unit_test(data_items)};
    return cmocka_run_group_tests(tests, begin, end);
}
