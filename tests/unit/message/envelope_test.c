#include "message/envelope.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ANN "((NIL NIL \"ann\" \"a.test\"))"

/* clang-format off */
static const char *const cases[][2] = {
    {"", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
    /* the sample of RFC 9051 §8, by its grammar (no space between addresses) */
    {"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
     "From: Terry Gray <gray@cac.washington.edu>\r\n"
     "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
     "To: imap@cac.washington.edu\r\n"
     "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
     "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
     "MIME-Version: 1.0\r\n"
     "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n",
     "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((NIL NIL \"imap\" \"cac.washington.edu\")) "
     "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) "
     "NIL NIL \"<B27397-0100000@cac.washington.edu>\")"},
    /* absent is NIL, empty is empty; a list without addresses is NIL */
    {"Date:\r\nSubject: \r\nFrom:\r\nTo: ,\r\nIn-Reply-To:\r\nMessage-ID:\r\n",
     "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")"},
    {"From: ann@a.test\r\nSender: bob@b.test\r\nReply-To: cy@c.test\r\n",
     "(NIL NIL " ANN " ((NIL NIL \"bob\" \"b.test\")) ((NIL NIL \"cy\" \"c.test\")) NIL NIL NIL NIL NIL)"},
    {"From: ann@a.test\r\nSender:\r\nReply-To: (nobody)\r\n",
     "(NIL NIL " ANN " " ANN " " ANN " NIL NIL NIL NIL NIL)"},
    {"Sender: ann@a.test\r\n",
     "(NIL NIL NIL " ANN " NIL NIL NIL NIL NIL NIL)"},
    {"BCC: ann@a.test\r\nIN-REPLY-TO: <1@x>\r\n <2@x>\r\n",
     "(NIL NIL NIL NIL NIL NIL NIL " ANN " \"<1@x> <2@x>\" NIL)"},
    /* unfolded; encoded-words as they came; the first counts, but lists are one list */
    {"Subject: =?utf-8?q?H=C3=A9?=\r\n =?utf-8?q?llo?=\r\nSubject: two\r\n",
     "(NIL \"two\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"To: ann@a.test\r\nTo: b@b\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"ann\" \"a.test\")(NIL NIL \"b\" \"b\")) NIL NIL NIL NIL)"},
    /* strings that quotes cannot hold */
    {"Subject: caf\xc3\xa9 \"x\"\r\nFrom: \"a \\\"b\\\"\" <\xc3\xa9@h>\r\n",
     "(NIL {9}\r\ncaf\xc3\xa9 \"x\" ((\"a \\\"b\\\"\" NIL {2}\r\n\xc3\xa9 \"h\")) ((\"a \\\"b\\\"\" NIL {2}\r\n\xc3\xa9 \"h\")) "
     "((\"a \\\"b\\\"\" NIL {2}\r\n\xc3\xa9 \"h\")) NIL NIL NIL NIL NIL)"},
    {"Subject: a \"b\" \\c\r\n",
     "(NIL \"a \\\"b\\\" \\\\c\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    /* groups, routes, and what is missing */
    {"To: A Group: Ed <c@a.test>;, undisclosed:;\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"A Group\" NIL)(\"Ed\" NIL \"c\" \"a.test\")(NIL NIL NIL NIL)"
     "(NIL NIL \"undisclosed\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)"},
    {"To: :;\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)"},
    {"To: <@r1,@r2:u@h>\r\n",
     "(NIL NIL NIL NIL NIL ((NIL \"@r1,@r2\" \"u\" \"h\")) NIL NIL NIL NIL)"},
    {"To: root, <>, Ann Smith, @h\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"root\" \"MISSING_DOMAIN\")"
     "(NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")"
     "(\"Ann Smith\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")"
     "(NIL NIL \"MISSING_MAILBOX\" \"h\")) NIL NIL NIL NIL)"},
    {"Subject: a\r\n\r\nTo: in@body\r\n",
     "(NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
};
/* clang-format on */

static void envelopes_are_as_the_grammar_says(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 10000);
        assert_true(envelope_put(a, span_cstr(cases[i][0]), 100, &out));
        if (!span_eq(buf_span(&out), span_cstr(cases[i][1])))
            fail_msg("case %zu: %.*s\n   wanted: %s", i, SPAN_ARG(buf_span(&out)), cases[i][1]);
        buf_fini(&out);
    }
    arena_free(&a);
}

static void nul_bytes_never_go_out(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, 10000);
    assert_true(envelope_put(a, SPAN("Subject: a\0b\r\nFrom: \"x\0\" <\0@\0>\r\n"), 100, &out));
    assert_null(memchr(out.p, 0, out.n));
    assert_memory_equal(out.p, "(NIL {3}\r\na?b ((", 16);
    buf_fini(&out);
    arena_free(&a);
}

/* The limit is one for all fields of a name together. */
static void lists_are_cut(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, 10000);
    assert_true(envelope_put(a, SPAN("To: a@h, b@h\r\nTo: c@h, d@h\r\nCc: e@h\r\n"), 3, &out));
    assert_true(span_eq(buf_span(&out), SPAN("(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"h\")(NIL NIL "
                                             "\"b\" \"h\")(NIL NIL \"c\" \"h\")) "
                                             "((NIL NIL \"e\" \"h\")) NIL NIL NIL)")));
    buf_fini(&out);
    arena_free(&a);
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct span header = SPAN("Subject: x\r\nFrom: ann@a.test\r\n");
    struct buf whole;
    buf_init(&whole, 10000);
    assert_true(envelope_put(a, header, 3, &whole));
    for (size_t max = 0; max <= whole.n; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(envelope_put(a, header, 3, &out), max == whole.n);
        buf_fini(&out);
    }
    buf_fini(&whole);
    arena_free(&a);
}

static void wants_its_fields(void **state)
{
    (void)state;
    assert_true(envelope_wants(SPAN("reply-TO")));
    assert_false(envelope_wants(SPAN("Received")));
    assert_false(envelope_wants(SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_are_as_the_grammar_says),
        cmocka_unit_test(nul_bytes_never_go_out),
        cmocka_unit_test(lists_are_cut),
        cmocka_unit_test(a_full_buffer_says_so),
        cmocka_unit_test(wants_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
