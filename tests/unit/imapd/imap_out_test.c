#include "imapd/imap_out.h"

#include "store/flags.h"
#include "tests/unit/imapd/fake.h"

static struct imap_session *session;

static int begin(void **state)
{
    (void)state;
    session = fake_begin();
    buf_reset(&fake.out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_end();
    return 0;
}

static void out_is(const char *what)
{
    unit_assert_same(buf_span(&fake.out), span_cstr(what));
    buf_reset(&fake.out);
}

static void out_strings(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *in, *rev1, *rev2; } rows[] = {
        {"",            "\"\"",                    "\"\""},
        {"abc",         "\"abc\"",                 "\"abc\""},
        {"a\"b\\c",     "\"a\\\"b\\\\c\"",         "\"a\\\"b\\\\c\""},
        {"\\",          "\"\\\\\"",                "\"\\\\\""},
        {"a\r\nb",      "{4}\r\na\r\nb",           "{4}\r\na\r\nb"},
        {"a\tb",        "{3}\r\na\tb",             "{3}\r\na\tb"},
        {"\x7f",        "{1}\r\n\x7f",             "{1}\r\n\x7f"},
        {"\xc3\xa4",    "{2}\r\n\xc3\xa4",         "\"\xc3\xa4\""},
        {"\xff",        "{1}\r\n\xff",             "{1}\r\n\xff"},
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        imap_out_string(session, span_cstr(rows[i].in));
        out_is(rows[i].rev1);
        session->enabled = IMAP_REV2;
        imap_out_string(session, span_cstr(rows[i].in));
        out_is(rows[i].rev2);
        session->enabled = 0;
    }
    char x[1001];
    memset(x, 'x', sizeof x);
    imap_out_string(session, span_of(x, sizeof x));
    assert_true(span_starts_ci(buf_span(&fake.out), SPAN("{1001}\r\nxxx")));
}

static void out_mailboxes(void **state)
{
    (void)state;
    imap_out_mailbox(session, SPAN("Entw\xc3\xbcrfe & Co"));
    out_is("\"Entw&APw-rfe &- Co\"");
    session->enabled = IMAP_REV2;
    imap_out_mailbox(session, SPAN("Entw\xc3\xbcrfe & Co"));
    out_is("\"Entw\xc3\xbcrfe & Co\"");
}

static void out_flags(void **state)
{
    (void)state;
    const struct span names[] = {SPAN("a"), SPAN("$Junk"), SPAN("c")};
    imap_out_flags(session, 0, SPAN(""), names, 3, false);
    out_is("()");
    imap_out_flags(session, FLAGS_SEEN, SPAN(""), names, 3, false);
    out_is("(\\Seen)");
    imap_out_flags(session, FLAGS_SEEN | FLAGS_DRAFT, SPAN("\x06"), names, 3, true);
    out_is("(\\Seen \\Draft \\Recent $Junk c)");
    imap_out_flags(session, 0, SPAN("\x01"), names, 3, false);
    out_is("(a)");
    imap_out_flags(session, 0, SPAN(""), names, 3, true);
    out_is("(\\Recent)");
}

static void out_formatted(void **state)
{
    (void)state;
    char x[2000];
    memset(x, 'x', sizeof x);
    imap_outf(session, "%d-%.*s", 7, (int)sizeof x, x);
    assert_int_equal(fake.out.n, 2002);
    buf_reset(&fake.out);
    imap_outf(session, "%s", "");
    out_is("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(out_strings, begin, end),
                                       cmocka_unit_test_setup_teardown(out_mailboxes, begin, end),
                                       cmocka_unit_test_setup_teardown(out_flags, begin, end),
                                       cmocka_unit_test_setup_teardown(out_formatted, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
