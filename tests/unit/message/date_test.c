#include "message/date.h"

#include "tests/unit/unit_arena.h"

#include <stdio.h>

#define NOV_23 1795465848 /* Mon, 23 Nov 2026 20:30:48 +0000 */

/* clang-format off */
static const struct { const char *text; int64_t utc; int zone; } good[] = {
    {"Mon, 23 Nov 2026 20:30:48 +0000",                    NOV_23, 0},
    {"Fri, 21 Nov 1997 09:55:06 -0600",                    880127706, -360},   /* RFC 5322 appendix A.1.1 */
    {"Tue, 1 Jul 2003 10:52:37 +0200",                     1057049557, 120},
    {"Thu, 13 Feb 1969 23:32:54 -0330",                    -27723426, -210},
    {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
     "               -0330 (Newfoundland Time)",           -27723480, -210},   /* appendix A.5 */
    {"21 Nov 97 09:55:06 GMT",                             880106106, 0},      /* appendix A.6.2 */
    {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",    880127706, -360},   /* appendix A.6.3 */
    {"  Mon,23 nov 2026 20:30:48 UT",                      NOV_23, 0},
    {"Monday, 23-Nov-26 20:30:48 GMT",                     NOV_23, 0},
    {"23 November 2026 20:30:48",                          NOV_23, 0},
    {"Mon 23 NOV 2026 20:30:48 Z",                         NOV_23, 0},
    {"Mon, 23 Nov 2026 20:30:48 A",                        NOV_23, 0},         /* military zones mean nothing */
    {"Mon, 23 Nov 2026 20:30:48 WEST",                     NOV_23, 0},
    {"Mon, 23 Nov 2026 20:30:48 -0000",                    NOV_23, 0},
    {"Mon, 23 Nov 2026 15:30:48 est",                      NOV_23, -300},
    {"Mon, 23 Nov 2026 13:30:48 PDT (x (y \\) z))",        NOV_23, -420},
    {"Mon, 23 Nov 2026 21:30:48 GMT+0100",                 NOV_23, 60},
    {"Mon, 23 Nov 2026 21:30:48 +01:00",                   NOV_23, 60},
    {"Mon, 23 Nov 2026 20:30:48.123 +0000",                NOV_23, 0},
    {"Mon, 23 Nov 2026 20:30:48 +0000 and more",           NOV_23, 0},
    {"(a) Mon (b), (c) 23 (d) Nov (e) 2026 (f) 20:30:48 (g) +0000 (h", NOV_23, 0},
    {"Sun, 23 Nov 126 20:30:48 +0000",                     NOV_23, 0},         /* three digits: from 1900 */
    {"1 Jan 49 0:00 +0000",                                2493072000, 0},
    {"1 Jan 50 0:00 +0000",                                -631152000, 0},
    {"29 Feb 2000 00:00:00 +0000",                         951782400, 0},
    {"31 Dec 2016 23:59:60 +0000",                         1483228800, 0},     /* a leap second */
    {"1 Jan 0001 00:00:00 +0000",                          -62135596800, 0},
    {"31 Dec 9999 23:59:59 +0000",                         253402300799, 0},
    {"Mo, 23 Nov 2026 20:30:48 +0000",                     NOV_23, 0},         /* other languages */
    {"lun., 23 nov. 2026 20:30:48 +0000",                  NOV_23, 0},
    {"Mon, 23 Nov 2026 20.30.48 +0000",                    NOV_23, 0},
    {"Mon Nov 23 20:30:48 2026",                           NOV_23, 0},         /* asctime() */
    {"Mon Nov  3 20:30:48 GMT 2026",                       NOV_23 - 20 * 86400, 0},
    {"Mon Nov 23 15:30:48 EST 2026",                       NOV_23, -300},
    {"23 Nov 2026",                                        NOV_23 - 73848, 0}, /* RFC 5256 §2.2 */
    {"23 Nov 2026 20",                                     NOV_23 - 73848, 0},
    {"23 Nov 2026 24:00:00 +0100",                         NOV_23 - 73848, 0},
    {"23 Nov 2026 00:60:00 +0100",                         NOV_23 - 73848, 0},
    {"23 Nov 2026 00:00:61 +0100",                         NOV_23 - 73848, 0},
    {"23 Nov 2026 20:30:48 +0060",                         NOV_23, 0},
    {"23 Nov 2026 20:30:48 +000",                          NOV_23, 0},
    {"23 Nov 2026 20:30:48 +00000",                        NOV_23, 0},
};

static const char *const bad[] = {
    "", "   ", "(only a comment)", "(open", "Mon", "Mon,", "Foo 23 Nov 2026 20:30:48 +0000",
    "2026-11-23T20:30:48Z", "2026-11-23 20:30:48", "23/11/2026 20:30", "20261123",
    "32 Jan 2026 00:00:00 +0000", "0 Jan 2026 00:00:00 +0000", "29 Feb 1900 00:00:00 +0000",
    "30 Feb 2000 00:00:00 +0000", "31 Apr 2026 00:00:00 +0000", "1 Foo 2026 00:00:00 +0000",
    "1 Ja 2026 00:00:00 +0000", "1 Jan 0000 00:00:00 +0000", "1 Jan 10000 00:00:00 +0000",
    "1 Jan 6 00:00:00 +0000", "Mon Nov 23 2026", "Mon Nov 23 20:30:48", "Mon Nov 31 20:30:48 2026", "Mon Nov 23 24:30:48 2026",
    "111111111111111111111 Jan 2026 00:00:00 +0000",
};

static const struct { const char *imap; int64_t utc; int zone; } imap_good[] = {
    {" 1-Jan-2026 10:00:00 +0100", 1767258000, 60},
    {"17-Jul-1996 02:44:25 -0700", 837596665, -420},       /* RFC 9051 §7.5.2 */
    {"23-Nov-2026 20:30:48 +0000", NOV_23, 0},
    {"31-Dec-1969 23:59:59 +0000", -1, 0},
    {" 1-Jan-0001 00:00:00 +0000", -62135596800, 0},
    {"31-Dec-9999 23:59:59 -9959", 253402300799 + 359940, -5999},
};

static const char *const imap_bad[] = {
    "", " ", "1-Jan-2026", "01-Jan-2026 10:00:00", "01-Jan-26 10:00:00 +0000",
    "32-Jan-2026 10:00:00 +0000", "01-January-2026 10:00:00 +0000", "01-Jan-2026 10:00:00 0000",
    "01-Jan-2026 10:00:00 +0060", "01-Jan-2026 10:00:00 +0000 ", "01-Jan-2026 1:00:00 +0000",
    "01 Jan 2026 10:00:00 +0000", "\"01-Jan-2026 10:00:00 +0000\"", "01-Jan-2026 10:00:00 +00000",
};
/* clang-format on */

static void good_dates_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct date d = {-1, -1};
        if (!date_parse(span_cstr(good[i].text), &d) || d.utc != good[i].utc ||
            d.zone_minutes != good[i].zone)
            fail_msg("%s: %lld %d", good[i].text, (long long)d.utc, d.zone_minutes);
    }
}

static void bad_dates_are_refused(void **state)
{
    (void)state;
    struct date d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (date_parse(span_cstr(bad[i]), &d))
            fail_msg("%s was taken", bad[i]);
    }
}

static void dates_are_written(void **state)
{
    /* clang-format off */
    static const struct { struct date d; const char *text; } cases[] = {
        {{NOV_23, 0},                "Mon, 23 Nov 2026 20:30:48 +0000"},
        {{NOV_23, -300},             "Mon, 23 Nov 2026 15:30:48 -0500"},
        {{NOV_23, 345},              "Tue, 24 Nov 2026 02:15:48 +0545"},
        {{0, 0},                     "Thu, 1 Jan 1970 00:00:00 +0000"},
        {{-1, 0},                    "Wed, 31 Dec 1969 23:59:59 +0000"},
        {{951782400, 0},             "Tue, 29 Feb 2000 00:00:00 +0000"},
        {{INT64_MIN, 0},             "Mon, 1 Jan 0001 00:00:00 +0000"},
        {{INT64_MAX, INT32_MAX},     "Fri, 31 Dec 9999 23:59:59 +9959"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span got = date_format(*state, cases[i].d);
        if (!span_eq(got, span_cstr(cases[i].text)))
            fail_msg("%.*s, not %s", SPAN_ARG(got), cases[i].text);
    }
}

static void imap_dates_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof imap_good / sizeof *imap_good; i++) {
        struct date d = {0, 0};
        char text[DATE_IMAP_BYTES];
        assert_true(date_imap_parse(span_cstr(imap_good[i].imap), &d));
        assert_true(d.utc == imap_good[i].utc);
        assert_int_equal(d.zone_minutes, imap_good[i].zone);
        date_imap_format(d, text);
        assert_memory_equal(text, imap_good[i].imap, DATE_IMAP_BYTES);
    }
    struct date d;
    assert_true(date_imap_parse(SPAN("1-Jan-2026 10:00:00 +0100"), &d)); /* forgiven */
    assert_true(date_imap_parse(SPAN("01-jan-2026 10:00:00 +0100"), &d));
    for (size_t i = 0; i < sizeof imap_bad / sizeof *imap_bad; i++) {
        if (date_imap_parse(span_cstr(imap_bad[i]), &d))
            fail_msg("%s was taken", imap_bad[i]);
    }
}

static void days_are_counted(void **state)
{
    (void)state;
    int32_t day = 0;
    assert_true(date_imap_day(SPAN("1-Feb-1994"), &day)); /* RFC 9051 §6.4.4 */
    assert_int_equal(day, 8797);
    assert_true(date_imap_day(SPAN("01-FEB-1994"), &day));
    assert_int_equal(day, 8797);
    assert_false(date_imap_day(SPAN("30-Feb-1994"), &day));
    assert_false(date_imap_day(SPAN("1-Feb-94"), &day));
    assert_false(date_imap_day(SPAN("1-Feb-1994 "), &day));
    assert_int_equal(date_day((struct date){0, 0}), 0);
    assert_int_equal(date_day((struct date){0, -1}), -1);
    assert_int_equal(date_day((struct date){86399, 1}), 1);
    assert_int_equal(date_day((struct date){-1, 0}), -1);
}

/* Each day from 1600 to 2400 follows the one before, and comes back from its own text. */
static void the_calendar_has_no_holes(void **state)
{
    struct arena *a = *state;
    for (int32_t day = -135140; day < 157054; day += 13) {
        struct date d = {(int64_t)day * 86400 + 43200, 0}, back = {0, 0};
        char text[DATE_IMAP_BYTES];
        date_imap_format(d, text);
        assert_true(date_imap_parse(span_of(text, sizeof text), &back));
        assert_true(back.utc == d.utc);
        struct span long_text = date_format(a, d);
        assert_true(date_parse(long_text, &back));
        assert_true(back.utc == d.utc);
        assert_int_equal(date_day(d), day);
        arena_reset(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_dates_are_read), cmocka_unit_test(bad_dates_are_refused),
        cmocka_unit_test(dates_are_written),   cmocka_unit_test(imap_dates_go_both_ways),
        cmocka_unit_test(days_are_counted),    cmocka_unit_test(the_calendar_has_no_holes),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
