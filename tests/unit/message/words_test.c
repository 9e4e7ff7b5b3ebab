#include "message/words.h"

#include "common/buf.h"
#include "common/utf8.h"
#include "tests/unit/unit_arena.h"

#include <stdio.h>

/* clang-format off */
static const struct { const char *in, *out; } decode_cases[] = {
    {"", ""},
    {"plain text", "plain text"},
    /* RFC 2047 §8 */
    {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
    {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>", "Keld J\u00f8rn Simonsen <keld@dkuug.dk>"},
    {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\u00e9 Pirard"},
    {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
     "If you can read this you understand the example."},
    {"(=?ISO-8859-1?Q?a?=)", "(a)"},
    {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
    {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
    {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
    /* RFC 2231 §5 */
    {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
    /* cut within a character */
    {"=?utf-8?B?4pi=?= =?utf-8?B?ug==?=", "\u263a"},
    {"=?utf-8?Q?=E2=98?=\r\n\t=?UTF-8?q?=BA_x?=", "\u263a x"},
    {"=?utf-8?Q?=E2=98?= =?utf-8?B?ug==?=", "\u263a"},
    {"=?utf-8?Q?=E2=98?= x", "\ufffd x"},
    {"=?utf-8?Q?=E2=98?= =?iso-8859-1?Q?=BA?=", "\ufffd\u00ba"},
    {"=?utf-8?Q?=E2=98?= x =?utf-8?Q?=BA?=", "\ufffd x \ufffd"},
    {"=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=", "\u65e5\u672c"},
    /* anywhere, and not quite right */
    {"\"=?utf-8?Q?quoted?=\" a=?utf-8?Q?b?=c", "\"quoted\" abc"},
    {"=?utf-8?Q?white space?=", "white space"},
    {"=?utf-8?Q?why?\?=", "why?"},
    {"=?utf-8?Q?\?=", ""},
    {"=?utf-8?b?YWJj?==?utf-8?b?ZGVm?=", "abcdef"},
    {"=?utf-8?B?YWI?=", "ab"},
    {"=?utf-8?Q?a=?=", "a="},
    {"=?utf-8?Q?=4=zz=41?=", "=4=zzA"},
    {"  =?utf-8?Q?a?= ", "  a "},
    {"a  b =?utf-8?Q?c?=  d", "a  b c  d"},
    /* not words, or words that we cannot read */
    {"=?x-unknown?Q?a=41?= b", "=?x-unknown?Q?a=41?= b"},
    {"=?utf-8?Q?a?= =?x-unknown?Q?b?= =?utf-8?Q?c?=", "a =?x-unknown?Q?b?= c"},
    {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
    {"=?utf-8?Q?a", "=?utf-8?Q?a"},
    {"=?", "=?"}, {"=?utf-8", "=?utf-8"}, {"=?utf-8?", "=?utf-8?"}, {"=?utf-8?Q", "=?utf-8?Q"},
    {"=?utf-8?Q?", "=?utf-8?Q?"}, {"=?utf-8?Q?=", "=?utf-8?Q?="}, {"=??Q?a?=", "=??Q?a?="},
    {"=?=?utf-8?Q?a?=", "=?a"},
    {"?= =?x?= =?utf-8?Q?a?=", "?= =?x?= a"},
    /* bytes that nobody declared */
    {"na\xc3\xafve", "na\u00efve"},
    {"na\xefve \x80", "na\u00efve \u20ac"},
    {"\xe9 =?utf-8?Q?=C3=A9?= \xc3\xa9", "\u00e9 \u00e9 \u00e9"},
    {"=?utf-8?Q?\xc3\xa9?=", "\u00e9"},
};

static const struct {
    const char *in, *value, *subvalue;
    bool slash;
    struct { const char *name, *value; } params[5];
} param_cases[] = {
    {"text/plain; charset=us-ascii", "text", "plain", true, {{"charset", "us-ascii"}}},
    {"text/plain; charset=us-ascii (Plain text)", "text", "plain", true, {{"charset", "us-ascii"}}}, /* RFC 2045 §5.1 */
    {" Text / HTML(x) ;Charset = \"iso-8859-1\" ; format=flowed;", "Text", "HTML", true,
     {{"Charset", "iso-8859-1"}, {"format", "flowed"}}},
    {"multipart/mixed;\r\n\tboundary=\"a \\\"b\\\\\r\n c\"", "multipart", "mixed", true, {{"boundary", "a \"b\\ c"}}},
    {"attachment; filename=My File (1).pdf; size=3", "attachment", "", false, {{"filename", "My File"}, {"size", "3"}}},
    {"attachment; filename=My File.pdf; size=3", "attachment", "", false, {{"filename", "My File.pdf"}, {"size", "3"}}},
    {"text/plain charset=utf-8 format=flowed", "text", "plain", true, {{"charset", "utf-8"}, {"format", "flowed"}}},
    {"text/plain;;; ;charset=a;;", "text", "plain", true, {{"charset", "a"}}},
    {"text/plain; name=\"open; x=y", "text", "plain", true, {{"name", "open; x=y"}}},
    {"text/plain; =x; y; z=; \"a=b\" c=d", "text", "plain", true, {{"z", ""}, {"c", "d"}}},
    {"text/plain; a=\"b\"c; d=e", "text", "plain", true, {{"a", "b"}, {"d", "e"}}},
    {"text/plain; a=b/c=d?e", "text", "plain", true, {{"a", "b/c=d?e"}}},
    {"text", "text", "", true, {{0}}},
    {"text/", "text", "", true, {{0}}},
    {"/plain", "", "plain", true, {{0}}},
    {"", "", "", true, {{0}}},
    {"; a=b", "", "", true, {{"a", "b"}}},
    {"inline", "inline", "", false, {{0}}},
    {"(c) inline (c)", "inline", "", false, {{0}}},
    {"text/x(", "text", "x", true, {{0}}},
    {"text/x; a=\"\\", "text", "x", true, {{"a", "\\"}}},
};

static const struct { const char *in, *name, *value; } value_cases[] = {
    {"a/b; name=plain", "NAME", "plain"},
    {"a/b; name=plain", "nam", NULL},
    {"a/b; name=\"\"", "name", ""},
    /* RFC 2231 §3, §4, §4.1 */
    {"message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
     "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"},
    {"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title", "This is ***fun***"},
    {"application/x-stuff\r\n  title*0*=us-ascii'en'This%20is%20even%20more%20\r\n"
     " title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n title*2=\"isn't it!\"", "title", "This is even more ***fun*** isn't it!"},
    {"a/b; f*1*=%98%BA; f*0*=utf-8''%E2", "f", "\u263a"},        /* any order, cut in a character */
    {"a/b; f=plain; f*=utf-8''%C3%A9", "f", "\u00e9"},
    {"a/b; f=plain; f*=utf-8''%C3%A9; f*0=a; f*1=b", "f", "ab"},
    {"a/b; f*0=a; f*2=c", "f", "a"},
    {"a/b; f*1=a; f=plain", "f", "plain"},
    {"a/b; f*=plain", "f", "plain"},
    {"a/b; f*=''%41", "f", "A"},
    {"a/b; f*=x-unknown''%E9%41", "f", "\u00e9A"},
    {"a/b; f*=utf-8'%41", "f", "utf-8'A"},
    {"a/b; f*=utf-8''%4%zz%41", "f", "%4%zzA"},
    {"a/b; f*0*=iso-8859-1''%E9; f*1=%41", "f", "\u00e9%41"},
    {"a/b; f*999=a; f*0*0=b; f*x=c; f**=d; f*-1=e", "f", NULL},
    {"a/b; f*0=a; f*0=b; f*00=c", "f", "a"},
    {"a/b; f=\"=?utf-8?Q?caf=C3=A9?=\"", "f", "caf\u00e9"},
    {"a/b; f=caf\xe9", "f", "caf\u00e9"},
    {"a/b; f*0=\"=?utf-8?Q?a\"; f*1=\"b?=\"", "f", "ab"},
};
/* clang-format on */

static void values_decode(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof decode_cases / sizeof *decode_cases; i++) {
        struct arena *own = arena_new(); /* so that a sanitizer sees reads past the end */
        struct span in = span_cstr(decode_cases[i].in);
        if (in.n > 0) {
            char *exact = arena_alloc(own, in.n);
            memcpy(exact, in.p, in.n);
            in.p = exact;
        }
        struct span got = words_decode(a, in);
        if (!span_eq(got, span_cstr(decode_cases[i].out)))
            fail_msg("%s: %.*s", decode_cases[i].in, SPAN_ARG(got));
        arena_free(&own);
    }
}

static void params_are_read(void **state)
{
    for (size_t i = 0; i < sizeof param_cases / sizeof *param_cases; i++) {
        struct words_params p =
            words_params(*state, span_cstr(param_cases[i].in), param_cases[i].slash);
        size_t n = 0;
        if (!span_eq(p.value, span_cstr(param_cases[i].value)) ||
            !span_eq(p.subvalue, span_cstr(param_cases[i].subvalue)))
            fail_msg("%s: \"%.*s\" \"%.*s\"", param_cases[i].in, SPAN_ARG(p.value),
                     SPAN_ARG(p.subvalue));
        for (; n < 5 && param_cases[i].params[n].name; n++) {
            if (n >= p.n || !span_eq(p.list[n].name, span_cstr(param_cases[i].params[n].name)) ||
                !span_eq(p.list[n].value, span_cstr(param_cases[i].params[n].value)))
                fail_msg("%s: parameter %zu of %zu", param_cases[i].in, n, p.n);
        }
        if (n != p.n)
            fail_msg("%s: %zu parameters", param_cases[i].in, p.n);
    }
}

static void param_values_decode(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        struct words_params p = words_params(a, span_cstr(value_cases[i].in), true);
        struct span got = words_param_decoded(a, &p, span_cstr(value_cases[i].name));
        if ((got.p == NULL) != (value_cases[i].value == NULL) ||
            !span_eq(got, span_cstr(value_cases[i].value)))
            fail_msg("%s: %.*s", value_cases[i].in, SPAN_ARG(got));
    }
}

/* clang-format off: after "x; ", and the list as name=value with a space between */
static const char *const join_cases[][2] = {
    {"a=b; c=d", "a=b c=d"},
    {"n*0=a; n*1=b", "n=ab"},
    {"n*1=b; N*0=a; x=y", "x=y N=ab"},
    {"n*00=a; n*01=b", "n=ab"},
    {"n*=utf-8''%41", "n*=utf-8''%41"},
    {"n*0*=utf-8''a%20; n*1=%b; n*2*=%C3", "n*=utf-8''a%20%25b%C3"},
    {"n*0=a; n*2=c", "n*0=a n*2=c"},
    {"n*1=b", "n*1=b"},
    {"n*0=a; n=b; m*0=c; n*1=d; m*1=e", "n=b n=ad m=ce"},
    {"n*x=a; *0=b; n*4294967296=a; n*128=b", "n*x=a *0=b n*4294967296=a n*128=b"},
    {"n*0=", "n="},
};
/* clang-format on */

static void pieces_are_joined(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof join_cases / sizeof *join_cases; i++) {
        struct words_params p = words_params(a, arena_printf(a, "x; %s", join_cases[i][0]), false);
        struct words_params joined = words_params_joined(a, &p);
        struct buf got;
        buf_init(&got, 1000);
        for (size_t k = 0; k < joined.n; k++)
            buf_addf(&got, "%s%.*s=%.*s", k ? " " : "", SPAN_ARG(joined.list[k].name),
                     SPAN_ARG(joined.list[k].value));
        if (!span_eq(buf_span(&got), span_cstr(join_cases[i][1])))
            fail_msg("%s: %.*s", join_cases[i][0], SPAN_ARG(buf_span(&got)));
        buf_fini(&got);
    }
}

static void parameters_have_a_limit(void **state)
{
    struct arena *a = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "a/b");
    for (int i = 0; i < 5000; i++)
        buf_addf(&text, ";f*%d*=%%41", i);
    struct words_params p = words_params(a, buf_span(&text), true);
    assert_int_equal(p.n, 128);
    assert_int_equal(words_param_decoded(a, &p, SPAN("f")).n, 128);
    buf_fini(&text);
}

/* What would cost time for ever, were it not linear; and what must not run out of room. */
static void bombs_are_harmless(void **state)
{
    struct arena *a = *state;
    static const char *const bombs[] = {"=?",
                                        "=?a?q?",
                                        "=?utf-8?q?a",
                                        "=?x?q?\?=",
                                        "=?big5?q?\?==?gbk?b?\?= ",
                                        "=?utf-8?q?=FF?= ",
                                        "\xff",
                                        "(",
                                        "((\"",
                                        "a=\"",
                                        "a=b ",
                                        ";a",
                                        "\\\"",
                                        "=?utf-7?q?+?=",
                                        "=?utf-8?b?/?="};
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        while (text.n < 200000)
            buf_addz(&text, bombs[i]);
        assert_true(utf8_valid(words_decode(a, buf_span(&text))));
        struct words_params p = words_params(a, buf_span(&text), true);
        words_param_decoded(a, &p, SPAN("a"));
        buf_fini(&text);
        arena_reset(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_decode),       cmocka_unit_test(params_are_read),
        cmocka_unit_test(param_values_decode), cmocka_unit_test(parameters_have_a_limit),
        cmocka_unit_test(bombs_are_harmless),  cmocka_unit_test(pieces_are_joined),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
