#include "message/cfws.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void white_space_and_comments_are_skipped(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *in, *rest; } cases[] = {
        {"", ""},
        {"a b", "a b"},
        {" \t\r\n a", "a"},
        {"(x)a", "a"},
        {" (x (y) z) (w)\r\n a", "a"},
        {"(\\) \\( \\\\)a", "a"},
        {"(open a", ""},
        {"((half) a", ""},
        {"(ends in \\", ""},
        {")a", ")a"},
        {"\\ a", "\\ a"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scan s = scan_of(span_cstr(cases[i].in));
        cfws_skip(&s);
        assert_true(scan_ok(&s));
        assert_true(span_eq(scan_rest(&s), span_cstr(cases[i].rest)));
    }
}

static void a_failed_scan_stays_where_it_is(void **state)
{
    (void)state;
    struct scan s = scan_of(SPAN("  a"));
    scan_fail(&s, "a reason");
    cfws_skip(&s);
    assert_int_equal(s.at, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_and_comments_are_skipped),
        cmocka_unit_test(a_failed_scan_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
