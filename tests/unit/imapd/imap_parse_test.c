#include "imapd/imap_parse.h"

#include "tests/unit/unit_arena.h"

#define BYTES(literal)                                                                             \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* clang-format off */
static const struct {
    struct span in;
    bool ok;
    struct span out;
    size_t at; /* where the cursor stands afterwards */
} astrings[] = {
    {BYTES("abc"),               true,  BYTES("abc"),       3},
    {BYTES("abc def"),           true,  BYTES("abc"),       3},
    {BYTES("a]b"),               true,  BYTES("a]b"),       3},
    {BYTES("\"\""),              true,  BYTES(""),          2},
    {BYTES("\"a b\" c"),         true,  BYTES("a b"),       5},
    {BYTES("\"a\\\"b\\\\c\""),   true,  BYTES("a\"b\\c"),   9},
    {BYTES("\"\xc3\xa4\""),      true,  BYTES("\xc3\xa4"),  4},
    {BYTES("{3}\r\nabcd"),       true,  BYTES("abc"),       8},
    {BYTES("{3+}\r\nabc"),       true,  BYTES("abc"),       9},
    {BYTES("{0}\r\n"),           true,  BYTES(""),          5},
    {BYTES("{5}\r\n\"\r\n) x"),  true,  BYTES("\"\r\n) "),  10},
    {BYTES(""),                  false, BYTES(""),          0},
    {BYTES("(a)"),               false, BYTES(""),          0},
    {BYTES("*"),                 false, BYTES(""),          0},
    {BYTES("\""),                false, BYTES(""),          0},
    {BYTES("\"abc"),             false, BYTES(""),          0},
    {BYTES("\"a\\bc\""),         false, BYTES(""),          0},
    {BYTES("\"a\\"),             false, BYTES(""),          0},
    {BYTES("\"a\\\""),           false, BYTES(""),          0},
    {BYTES("\"a\0b\""),          false, BYTES(""),          0},
    {BYTES("\"a\rb\""),          false, BYTES(""),          0},
    {BYTES("{4}\r\nabc"),        false, BYTES(""),          0},
    {BYTES("{3}abc"),            false, BYTES(""),          0},
    {BYTES("{}\r\n"),            false, BYTES(""),          0},
    {BYTES("{99999999999999999999}\r\nabc"), false, BYTES(""), 0},
    {BYTES("{18446744073709551615}\r\nabc"), false, BYTES(""), 0},
};
/* clang-format on */

static void parse_astrings(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(astrings); i++) {
        struct scan s = scan_of(arena_keep(arena, astrings[i].in));
        struct span got = imap_parse_astring(&s, arena);
        if (scan_ok(&s) != astrings[i].ok)
            fail_msg("row %zu: %s", i, s.why);
        if (scan_ok(&s)) {
            unit_assert_same(got, astrings[i].out);
            assert_int_equal(s.at, astrings[i].at);
        }
    }
}

static void parse_mailboxes(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *in; bool utf8, ok; const char *out; } rows[] = {
        {"inbox", false, true, "INBOX"},
        {"\"InBox\"", false, true, "INBOX"},
        {"Sent", false, true, "Sent"},
        {"Entw&APw-rfe", false, true, "Entw\xc3\xbcrfe"},
        {"a&-b", false, true, "a&b"},
        {"a&-b", true, true, "a&-b"},
        {"\"Entw\xc3\xbcrfe\"", false, true, "Entw\xc3\xbcrfe"},
        {"\"Entw\xc3\xbcrfe\"", true, true, "Entw\xc3\xbcrfe"},
        {"Entwu&Awg-rfe", false, true, "Entw\xc3\xbcrfe"}, /* NFD */
        {"\"Entwu\xcc\x88rfe\"", true, true, "Entw\xc3\xbcrfe"},
        {"&bad", false, false, ""},
        {"\"\xff\"", false, false, ""},
        {"\"\xff\"", true, false, ""},
        {"\"a*b\"", false, true, "a*b"}, /* no mailbox can have it: the store says so */
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct scan s = scan_of(span_cstr(rows[i].in));
        struct span got = imap_parse_mailbox(&s, arena, rows[i].utf8);
        assert_int_equal(scan_ok(&s), rows[i].ok);
        if (rows[i].ok)
            unit_assert_same(got, span_cstr(rows[i].out));
    }
    struct scan s = scan_of(SPAN("\"e\xcc\x81%\""));
    unit_assert_span(imap_parse_list_mailbox(&s, arena, true), "\xc3\xa9%");
    s = scan_of(SPAN("%/*]x rest"));
    unit_assert_span(imap_parse_list_mailbox(&s, arena, false), "%/*]x");
}

static void parse_sets(void **state)
{
    (void)state;
    static const char *const good[] = {"1", "*", "1:*", "*:1", "5:3", "1,2,3:4,*", "4294967295"};
    static const char *const bad[] = {"",  "0",   "1:",         ":1", "1,",  ",1",
                                      "a", "1:0", "4294967296", "-1", "1:2:"};
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        struct scan s = scan_of(span_cstr(good[i]));
        assert_true(imap_parse_set(&s, arena).n > 0);
        assert_true(scan_ok(&s) && scan_done(&s));
    }
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct scan s = scan_of(span_cstr(bad[i]));
        imap_parse_set(&s, arena);
        if (scan_ok(&s) && scan_done(&s))
            fail_msg("\"%s\" was taken", bad[i]);
    }
    struct scan s = scan_of(SPAN("$"));
    assert_true(imap_parse_set(&s, arena).saved && scan_ok(&s) && scan_done(&s));
    s = scan_of(SPAN("1,3:5,*:7 rest"));
    struct imap_set set = imap_parse_set(&s, arena);
    assert_int_equal(set.n, 3);
    assert_int_equal(set.ranges[0].first, 1);
    assert_int_equal(set.ranges[0].last, 1);
    assert_int_equal(set.ranges[1].last, 5);
    assert_int_equal(set.ranges[2].first, IMAP_SET_STAR);
    assert_int_equal(set.ranges[2].last, 7);
    assert_int_equal(scan_peek(&s), ' ');
}

static void parse_flags(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *in; bool ok; uint32_t system; size_t keywords; } rows[] = {
        {"()", true, 0, 0},
        {"(\\Seen)", true, FLAGS_SEEN, 0},
        {"(\\seen \\DELETED $Forwarded NonJunk)", true, FLAGS_SEEN | FLAGS_DELETED, 2},
        {"\\Answered \\Flagged \\Draft", true, FLAGS_ANSWERED | FLAGS_FLAGGED | FLAGS_DRAFT, 0},
        {"foo", true, 0, 1},
        {"", false, 0, 0},
        {"(\\Seen", false, 0, 0},
        {"(\\Recent)", false, 0, 0},
        {"(\\*)", false, 0, 0},
        {"(\\Foo)", false, 0, 0},
        {"( \\Seen)", false, 0, 0},
        {"(\\Seen )", false, 0, 0},
        {"(a(b)", false, 0, 0},
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct scan s = scan_of(span_cstr(rows[i].in));
        struct flags_wanted w = imap_parse_flags(&s, arena);
        if ((scan_ok(&s) && scan_done(&s)) != rows[i].ok)
            fail_msg("\"%s\"", rows[i].in);
        if (rows[i].ok) {
            assert_int_equal(w.system, rows[i].system);
            assert_int_equal(w.keyword_count, rows[i].keywords);
        }
    }
}

static void parse_many_flags(void **state)
{
    (void)state;
    char text[4003];
    for (size_t i = 0; i < 2001; i++)
        memcpy(text + 2 * i, i ? " k" : "(k", 2);
    text[4002] = ')';
    struct scan s = scan_of(span_of(text, sizeof text));
    imap_parse_flags(&s, arena);
    assert_false(scan_ok(&s));
    text[2000] = ')'; /* 1,000 of them */
    s = scan_of(span_of(text, 2001));
    assert_int_equal(imap_parse_flags(&s, arena).keyword_count, 1000);
    assert_true(scan_ok(&s));
}

static void parse_dates(void **state)
{
    (void)state;
    struct scan s = scan_of(SPAN("\" 1-Jan-1970 01:00:00 +0100\" x"));
    struct date d = imap_parse_date_time(&s);
    assert_true(scan_ok(&s));
    assert_int_equal(d.utc, 0);
    assert_int_equal(d.zone_minutes, 60);
    s = scan_of(SPAN("\"1-Jan-1970\""));
    imap_parse_date_time(&s);
    assert_false(scan_ok(&s));
    s = scan_of(SPAN("2-Jan-1970"));
    assert_int_equal(imap_parse_date(&s), 1);
    s = scan_of(SPAN("\"2-Jan-1970\""));
    assert_int_equal(imap_parse_date(&s), 1);
    assert_true(scan_ok(&s) && scan_done(&s));
    s = scan_of(SPAN("2-Foo-1970"));
    imap_parse_date(&s);
    assert_false(scan_ok(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_astrings),   cmocka_unit_test(parse_mailboxes),
        cmocka_unit_test(parse_sets),       cmocka_unit_test(parse_flags),
        cmocka_unit_test(parse_many_flags), cmocka_unit_test(parse_dates)};
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
