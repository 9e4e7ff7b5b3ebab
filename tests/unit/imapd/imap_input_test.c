#include "imapd/imap_input.h"

#include "tests/unit/imapd/fake.h"

#define NOOP(tag) tag " OK NOOP completed\r\n"
#define PRIVATE(tag)                                                                               \
    tag " NO [PRIVACYREQUIRED] Passwords are taken only over TLS: use STARTTLS or the imaps "      \
        "port\r\n"

#define BYTES(literal)                                                                             \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* clang-format off */
static const struct {
    const char *name;
    bool authenticated;
    struct span in;
    const char *out; /* behind the greeting */
    bool closed;
} cases[] = {
    {"a line",                false, BYTES("a NOOP\r\n"), NOOP("a"), false},
    {"a bare LF",             false, BYTES("a NOOP\nb noop\n"), NOOP("a") NOOP("b"), false},
    {"pipelined",             false, BYTES("a NOOP\r\nb NOOP\r\nc NOOP\r\n"), NOOP("a") NOOP("b") NOOP("c"), false},
    {"a literal",             false, BYTES("a LOGIN {3}\r\nann {2}\r\npw\r\nb NOOP\r\n"), "+ OK\r\n+ OK\r\n" PRIVATE("a") NOOP("b"), false},
    {"a literal+",            false, BYTES("a LOGIN {3+}\r\nann {2+}\r\npw\r\nb NOOP\r\n"), PRIVATE("a") NOOP("b"), false},
    {"an empty literal",      false, BYTES("a LOGIN {0+}\r\n {0}\r\n\r\n"), "+ OK\r\n" PRIVATE("a"), false},
    {"a literal with CRLF",   false, BYTES("a LOGIN {5+}\r\nx\r\n\"y pw\r\nb NOOP\r\n"), PRIVATE("a") NOOP("b"), false},
    {"a literal like one",    false, BYTES("a LOGIN {3+}\r\n{5} pw\r\nb NOOP\r\n"), PRIVATE("a") NOOP("b"), false},
    {"a quoted brace",        false, BYTES("a LOGIN x \"{5}\"\r\n"), PRIVATE("a"), false},
    {"unknown",               false, BYTES("a FLY\r\n"), "a BAD Unknown command\r\n", false},
    {"no tag",                false, BYTES("NOOP\r\n"), "* BAD Expected a tag and a command\r\n", false},
    {"an empty line",         true,  BYTES("\r\na NOOP\r\n"), "* BAD Expected a tag and a command\r\n" NOOP("a"), false},
    {"an empty line first",   false, BYTES("\r\na NOOP\r\n"), "* BAD Expected a tag and a command\r\n" NOOP("a"), false},
    {"NUL",                   false, BYTES("a NO\0OP\r\nb NOOP\r\n"), "a BAD NUL in a command\r\n" NOOP("b"), false},
    {"NUL in a literal",      false, BYTES("a LOGIN {3+}\r\na\0n pw\r\nb NOOP\r\n"), "a BAD NUL in a command\r\n" NOOP("b"), false},
    {"three BAD",             false, BYTES("a X\r\nb X\r\nc X\r\nd NOOP\r\n"), "a BAD Unknown command\r\nb BAD Unknown command\r\nc BAD Unknown command\r\n* BYE Too many bad commands\r\n", true},
    {"too big",               false, BYTES("a LOGIN {9000}\r\nb NOOP\r\n"), "a BAD [TOOBIG] Literal too large\r\n" NOOP("b"), false},
    {"too big a number",      false, BYTES("a LOGIN {99999999999999999999}\r\nb NOOP\r\n"), "a BAD [TOOBIG] Literal too large\r\n" NOOP("b"), false},
    {"far too big +",         false, BYTES("a LOGIN {4294967296+}\r\nb NOOP\r\n"), "* BYE [TOOBIG] Literal too large\r\n", true},
    {"uncountable +",         false, BYTES("a LOGIN {99999999999999999999+}\r\n"), "* BYE [TOOBIG] Literal too large\r\n", true},
    {"literal8",              false, BYTES("a LOGIN ~{3+}\r\nann pw\r\nb NOOP\r\n"), "a BAD literal8 is for APPEND and SETMETADATA\r\n" NOOP("b"), false},
    {"HTTP",                  false, BYTES("POST / HTTP/1.1\r\na NOOP\r\n"), "", true},
    {"TLS on a plain port",   false, BYTES("\x16\x03\x01\r\n"), "", true},
    {"logout",                false, BYTES("a LOGOUT\r\nb NOOP\r\n"), "* BYE Logging out\r\na OK Logout completed\r\n", true},
    {"wrong state",           false, BYTES("a FETCH 1 FLAGS\r\n"), "a BAD Log in first\r\n", false},
    {"idle",                  true,  BYTES("a IDLE\r\nDONE\r\nb NOOP\r\n"), "+ idling\r\na OK Idle ended\r\n" NOOP("b"), false},
    {"idle, and not done",    true,  BYTES("a IDLE\r\nNOOP\r\nb NOOP\r\n"), "+ idling\r\na BAD Expected DONE\r\n" NOOP("b"), false},
    {"append without literal", true, BYTES("a APPEND INBOX\r\nb NOOP\r\n"), "a BAD Expected a space\r\n" NOOP("b"), false},
    {"append, bad flag, +",   true,  BYTES("a APPEND INBOX (\\Recent) {4+}\r\nabcd\r\nb NOOP\r\n"), "a BAD \\Recent cannot be set\r\n" NOOP("b"), false},
    {"append, bad flag",      true,  BYTES("a APPEND INBOX (\\Recent) {4}\r\nb NOOP\r\n"), "a BAD \\Recent cannot be set\r\n" NOOP("b"), false},
    {"append, too big",       true,  BYTES("a APPEND INBOX {99999999}\r\nb NOOP\r\n"), "a NO [TOOBIG] The message is larger than APPENDLIMIT\r\n" NOOP("b"), false},
    {"a literal- too large",  false, BYTES("a LOGIN {4097+}\r\n"), "", false},
    {"append, sync behind +", true,  BYTES("a APPEND INBOX (\\Recent) {4+}\r\nabcd (\\Seen) {5}\r\nb NOOP\r\n"), "a BAD \\Recent cannot be set\r\n" NOOP("b"), false},
    {"multiappend refused",   true,  BYTES("a APPEND INBOX (\\Recent) {4+}\r\nabcd (\\Seen) {5+}\r\nabcde ~{3+}\r\nx\0z\r\nb NOOP\r\n"), "a BAD \\Recent cannot be set\r\n" NOOP("b"), false},
    {"refused, a literal like a command", true, BYTES("a APPEND INBOX (\\Recent) {8+}\r\nx NOOP\r\n UTF8 (~{8+}\r\ny NOOP\r\n)\r\nb NOOP\r\n"), "a BAD \\Recent cannot be set\r\n" NOOP("b"), false},
    {"catenate, too big",     true,  BYTES("a APPEND INBOX CATENATE (TEXT {99999999}\r\nb NOOP\r\n"), "a NO [TOOBIG] The message is larger than APPENDLIMIT\r\n" NOOP("b"), false},
    {"catenate, wrong",       true,  BYTES("a APPEND INBOX CATENATE (WORD {3+}\r\nabc)\r\nb NOOP\r\n"), "a BAD Expected TEXT or URL\r\n" NOOP("b"), false},
    {"catenate, URL literal", true,  BYTES("a APPEND INBOX CATENATE (TEXTS \"\" URL {3}\r\nabc)\r\nb NOOP\r\n"), "+ OK\r\na BAD Expected TEXT or URL\r\n" NOOP("b"), false},
    {"a mailbox of that name", true, BYTES("a APPEND URL {99999999}\r\nb NOOP\r\n"), "a NO [TOOBIG] The message is larger than APPENDLIMIT\r\n" NOOP("b"), false},
    {"utf8, too big",         true,  BYTES("a APPEND INBOX UTF8 (~{99999999}\r\nb NOOP\r\n"), "a NO [TOOBIG] The message is larger than APPENDLIMIT\r\n" NOOP("b"), false},
    {"utf8, no literal",      true,  BYTES("a APPEND INBOX UTF8 (\"abc\")\r\nb NOOP\r\n"), "a BAD Expected a literal\r\n" NOOP("b"), false},
    {"replace, not selected", true,  BYTES("a REPLACE 1 INBOX {3+}\r\nabc\r\nb UID REPLACE 1 INBOX {3}\r\nc NOOP\r\n"), "a BAD Select a mailbox first\r\nb BAD Select a mailbox first\r\n" NOOP("c"), false},
    {"unauthenticate",        true,  BYTES("a UNAUTHENTICATE\r\nb UNAUTHENTICATE\r\nc NOOP\r\n"), "a OK Unauthenticated\r\nb BAD Log in first\r\n" NOOP("c"), false},
    {"compress",              false, BYTES("a COMPRESS DEFLATE\r\nb NOOP\r\n"), "a NO Log in first\r\n" NOOP("b"), false},
    {"append, mailbox literal", true, BYTES("a APPEND {5+}\r\nINBOX {99999999}\r\nb NOOP\r\n"), "a NO [TOOBIG] The message is larger than APPENDLIMIT\r\n" NOOP("b"), false},
};
/* clang-format on */

static struct span behind_greeting(void)
{
    struct span got = buf_span(&fake.out);
    assert_true(span_starts_ci(got, SPAN("* OK [CAPABILITY IMAP4rev1 ")));
    return span_from(got, span_find(got, '\n') + 1);
}

static void check(size_t i)
{
    struct span got = behind_greeting(), want = span_cstr(cases[i].out);
    if (!span_eq(got, want))
        fail_msg("%s: got \"%.*s\"", cases[i].name, SPAN_ARG(got));
    assert_int_equal(fake.closed || fake.dropped, cases[i].closed);
}

static void begin(size_t i)
{
    struct imap_session *s = fake_begin();
    if (cases[i].authenticated)
        imap_session_enter(s, IMAP_AUTH);
}

/* The replies are the same wherever the network cuts. */
static void input_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        for (size_t cut = 0; cut <= cases[i].in.n; cut++) {
            begin(i);
            fake_send(span_to(cases[i].in, cut));
            fake_send(span_from(cases[i].in, cut));
            check(i);
            fake_end();
        }
    }
}

static void input_bytewise(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        begin(i);
        for (size_t k = 0; k < cases[i].in.n; k++)
            fake_send(span_of(cases[i].in.p + k, 1));
        check(i);
        fake_end();
    }
}

/* An endless line costs no more memory than the limit, and its tag is remembered. */
static void input_long_line(void **state)
{
    (void)state;
    char x[1000];
    memset(x, 'x', sizeof x);
    for (int authenticated = 0; authenticated < 2; authenticated++) {
        struct imap_session *s = fake_begin();
        if (authenticated)
            imap_session_enter(s, IMAP_AUTH);
        fake_send(SPAN("tag1 NOOP "));
        for (int i = 0; i < 2000; i++) {
            fake_send(span_of(x, sizeof x));
            assert_true(s->input->text.cap < 256u << 10);
        }
        fake_send(SPAN("\r\na NOOP\r\n"));
        unit_assert_span(behind_greeting(),
                         "tag1 BAD [TOOBIG] Command line too long\r\n" NOOP("a"));
        fake_end();
    }
}

static void input_many_literals(void **state)
{
    (void)state;
    struct imap_session *s = fake_begin();
    imap_session_enter(s, IMAP_AUTH);
    fake_send(SPAN("a ID ("));
    for (int i = 0; i < 100000 && !fake.closed; i++) {
        fake_send(SPAN("{1+}\r\nx "));
        assert_true(s->input->text.cap <= 1u << 20);
    }
    fake_send(SPAN(")\r\nb NOOP\r\n"));
    unit_assert_span(behind_greeting(), "a BAD [TOOBIG] Literal too large\r\n" NOOP("b"));
    fake_end();
}

static void input_announced(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *line; int is; uint64_t bytes; bool plus, binary; size_t at; } lines[] = {
        {"a {5}", 1, 5, false, false, 2},
        {"a {5+}", 1, 5, true, false, 2},
        {"a ~{5}", 1, 5, false, true, 2},
        {"{0}", 1, 0, false, false, 0},
        {"a {}", 0, 0, false, false, 0},
        {"a {+}", 0, 0, false, false, 0},
        {"a {-5}", 0, 0, false, false, 0},
        {"a {5++}", 0, 0, false, false, 0},
        {"a 5}", 0, 0, false, false, 0},
        {"5}", 0, 0, false, false, 0},
        {"a {5} ", 0, 0, false, false, 0},
        {"", 0, 0, false, false, 0},
        {"{9223372036854775807}", 1, INT64_MAX, false, false, 0},
        {"{9223372036854775808}", -1, 0, false, false, 0},
        {"{18446744073709551616+}", -1, 0, true, false, 0},
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(lines); i++) {
        struct imap_input_literal l = {0};
        size_t at = 0;
        assert_int_equal(imap_input_announced(span_cstr(lines[i].line), &l, &at), lines[i].is);
        if (lines[i].is > 0) {
            assert_int_equal(l.bytes, lines[i].bytes);
            assert_int_equal(l.binary, lines[i].binary);
            assert_int_equal(at, lines[i].at);
        }
        if (lines[i].is)
            assert_int_equal(l.plus, lines[i].plus);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_split),         cmocka_unit_test(input_bytewise),
        cmocka_unit_test(input_long_line),     cmocka_unit_test(input_announced),
        cmocka_unit_test(input_many_literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
