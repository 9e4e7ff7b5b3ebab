#include "imapd/imap_sort_keys.h"

#include "tests/unit/unit.h"

static struct imap_sort_criteria parsed(const char *text, bool ok)
{
    struct imap_sort_criteria c;
    struct scan in = scan_of(span_cstr(text));
    imap_sort_keys_parse(&in, &c);
    scan_end(&in, "more");
    if (scan_ok(&in) != ok)
        fail_msg("%s: %s", text, in.why ? in.why : "taken");
    return c;
}

static void test_parse(void **state)
{
    (void)state;
    struct imap_sort_criteria c = parsed("(subject REVERSE Date Subject REVERSE SUBJECT)", true);
    assert_int_equal(c.n, 2); /* what is said twice decides nothing */
    assert_true(c.digests);
    assert_int_equal(c.list[0].by, IMAP_SORT_SUBJECT);
    assert_false(c.list[0].reverse);
    assert_int_equal(c.list[1].by, IMAP_SORT_DATE);
    assert_true(c.list[1].reverse);
    c = parsed("(ARRIVAL REVERSE SIZE)", true);
    assert_false(c.digests);
    parsed("()", false);
    parsed("(REVERSE)", false);
    parsed("(REVERSE REVERSE DATE)", false);
    parsed("(DATE", false);
    parsed("DATE", false);
    parsed("(DATES)", false);
    parsed("(DATE  SIZE)", false);
    parsed("(ARRIVAL CC DATE DISPLAYFROM DISPLAYTO FROM SIZE SUBJECT TO ARRIVAL CC DATE)", true);
}

static const struct row {
    struct imap_sort_row row;
    const char *subject, *from, *display;
    bool dated;
    int64_t sent;
} rows[] = {
    {{.uid = 1, .score = 10, .bytes = 100, .arrived = 50},
     "the same long subject, b",
     "Zoe",
     "\xc3\xa9lan",
     true,
     7},
    {{.uid = 2, .score = 30, .bytes = 300, .arrived = 40},
     "THE SAME LONG SUBJECT, A",
     "ann",
     "Emil",
     true,
     -7},
    {{.uid = 3, .score = 20, .bytes = 200, .arrived = 60}, "the same lo", "ann", "", false, 0},
    {{.uid = 4, .score = 20, .bytes = 200, .arrived = 10}, "", "ANN", "elan", true, 60},
};

/* clang-format off */
static const struct {
    const char *criteria, *order;
} cases[] = {
    {"(ARRIVAL)", "4213"},
    {"(SIZE)", "1342"},
    {"(REVERSE SIZE)", "2341"},
    {"(DATE)", "2134"}, /* 3 has its INTERNALDATE */
    {"(REVERSE DATE)", "3412"},
    {"(SUBJECT)", "4321"},
    {"(REVERSE SUBJECT)", "1234"},
    {"(FROM)", "2341"},
    {"(FROM REVERSE SIZE)", "2341"},
    {"(FROM ARRIVAL)", "4231"},
    {"(REVERSE FROM)", "1234"},
    {"(SIZE ARRIVAL)", "1432"},
    {"(SIZE REVERSE ARRIVAL)", "1342"},
    {"(DISPLAYFROM)", "3421"}, /* decomposed: E, and then its accent */
    {"(RELEVANCY)", "2341"},
    {"(REVERSE RELEVANCY)", "1342"},
    {"(TO CC DISPLAYTO)", "1234"},
};
/* clang-format on */

static void test_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct imap_sort_criteria c = parsed(cases[i].criteria, true);
        struct imap_sort_keys k;
        struct imap_sort_merge m;
        char order[UNIT_COUNT(rows) + 1] = "";
        imap_sort_keys_init(&k, &c, UNIT_COUNT(rows));
        for (size_t r = 0; r < UNIT_COUNT(rows); r++) {
            struct digest d = {.dated = rows[r].dated,
                               .sent = {rows[r].sent, 0},
                               .subject = span_cstr(rows[r].subject),
                               .from = span_cstr(rows[r].from),
                               .from_display = span_cstr(rows[r].display)};
            imap_sort_keys_note(&k, r, &rows[r].row, &d);
        }
        imap_sort_keys_merge(&k, &m);
        while (!imap_sort_merge_step(&m, 2))
            ;
        for (size_t r = 0; r < UNIT_COUNT(rows); r++)
            order[r] = (char)('1' + m.items[r].nth);
        if (strcmp(order, cases[i].order) != 0)
            fail_msg("%s: %s, not %s", cases[i].criteria, order, cases[i].order);
        imap_sort_merge_fini(&m);
        imap_sort_keys_fini(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
