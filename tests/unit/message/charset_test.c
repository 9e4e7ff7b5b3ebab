#include "message/charset.h"
#include "common/arena.h"
#include "common/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

/* clang-format off */
static const struct { const char *label; struct { const char *p; size_t n; } in; const char *out; } cases[] = {
#define IN(literal) {"" literal, sizeof(literal) - 1}
    {"utf-8", IN("na\xc3\xafve \xf0\x9f\x93\xa7"),            "na\u00efve \U0001f4e7"},
    {"UTF8", IN("a\xff" "b\xc3" "c"),                         "a" BAD "b" BAD "c"},
    {"utf-8", IN("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"),     BAD BAD BAD BAD BAD BAD BAD BAD BAD},
    {"utf-8", IN("\xf0\x90\x80" "41\xe1\x80\xe2\xf0\x91"),    BAD "41" BAD BAD BAD},
    {"utf-8", IN("cut \xe2\x82"),                             "cut " BAD},
    {"us-ascii", IN("plain"),                                 "plain"},
    {" ISO-8859-1 ", IN("caf\xe9"),                           "caf\u00e9"},
    {"latin1", IN("\x93quoted\x94 \x80\x81\xff"),             "\u201cquoted\u201d \u20ac\xc2\x81\u00ff"},
    {"Windows-1252", IN("0123456789\x85"),                    "0123456789\u2026"},
    {"iso-8859-2", IN("\xa3\xf3" "d\xbc"),                       "\u0141\u00f3d\u017a"},
    {"iso-8859-15", IN("\xa4"),                               "\u20ac"},
    {"iso-8859-9", IN("\xfd\xf0\x80"),                        "\u0131\u011f\u20ac"},
    {"windows-1251", IN("\xcf\xf0\xe8\xe2\xe5\xf2"),          "\u041f\u0440\u0438\u0432\u0435\u0442"},
    {"koi8-r", IN("\xf0\xd2\xc9\xd7\xc5\xd4"),                "\u041f\u0440\u0438\u0432\u0435\u0442"},
    {"KOI8-U", IN("\xa4"),                                    "\u0454"},
    {"iso-8859-7", IN("\xe1\xe2"),                            "\u03b1\u03b2"},
    {"iso-8859-8-i", IN("\xf9\xec"),                          "\u05e9\u05dc"},
    {"windows-1255", IN("\xf9\xec\xe5\xed"),                  "\u05e9\u05dc\u05d5\u05dd"},
    {"windows-1258", IN("a\xcc" "e"),                         "\u00e0e"},  /* glibc composes, and keeps back */
    {"windows-1258", IN("xa"),                                "xa"},
    {"tis-620", IN("\xa1"),                                   "\u0e01"},
    {"gb2312", IN("\xc4\xe3\xba\xc3"),                        "\u4f60\u597d"},
    {"gb18030", IN("\x81\x30\x81\x30" "a"),                   "\xc2\x80" "a"},
    {"big5", IN("\xa7\x41\xa6\x6e"),                          "\u4f60\u597d"},
    {"euc-jp", IN("\xc6\xfc\xcb\xdc"),                        "\u65e5\u672c"},
    {"shift_jis", IN("\x93\xfa\x96\x7b\x87\x40"),             "\u65e5\u672c\u2460"},
    {"iso-2022-jp", IN("a\x1b$B\x46\x7c\x4b\x5c\x1b(Bb"),     "a\u65e5\u672cb"},
    {"euc-kr", IN("\xc7\xd1\xb1\xdb"),                        "\ud55c\uae00"},
    {"ks_c_5601-1987", IN("\xb0\xa1\x81\x41"),                "\uac00\uac02"},
    {"iso-2022-kr", IN("\x1b$)C\x0e\x47\x51\x0f" "a"),        "\ud55ca"},
    {"utf-16", IN("\xff\xfe" "a\0\x3d\xd8\xe7\xdc"),          "a\U0001f4e7"},
    {"utf-16", IN("\xfe\xff\0a\xd8\x3d\xdc\xe7"),             "a\U0001f4e7"},
    {"utf-16be", IN("\0a\xdc\0\0b\xd8\x3d"),                  "a" BAD "b" BAD},
    {"utf-16le", IN("a\0\0\xdc" "b\0x"),                      "a" BAD "b" BAD},
    {"utf-7", IN("Hi Mom -+Jjo--!"),                          "Hi Mom -\u263a-!"}, /* RFC 2152 */
    {"gbk", IN("a\xff\x20z"),                                 "a" BAD " z"},
    {"euc-jp", IN("a\xc6"),                                   "a" BAD},
};

static const char *const strangers[] = {
    "", "x-unknown", "utf", "utf-9", "unknown-8bit", "utf-8 utf8", "ebcdic-us", "iso-2022-cn-ext", "utf-8//translit",
    "wchar_t", "internal", "\0utf-8",
};
/* clang-format on */

static void convert_in_pieces(const char *label, struct span in, size_t piece, struct buf *out)
{
    struct charset *c = charset_new(span_cstr(label));
    assert_non_null(c);
    for (size_t at = 0; at < in.n; at += piece) {
        struct arena *own = arena_new(); /* so that a sanitizer sees reads past the end */
        struct span part = arena_keep(own, span_to(span_from(in, at), piece));
        assert_true(charset_convert(c, part, false, out));
        arena_free(&own);
    }
    assert_true(charset_convert(c, (struct span){NULL, 0}, true, out));
    charset_free(&c);
    assert_null(c);
}

static void text_converts_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece <= cases[i].in.n; piece++) {
            struct buf out;
            buf_init(&out, 1000);
            convert_in_pieces(cases[i].label, span_of(cases[i].in.p, cases[i].in.n), piece, &out);
            if (!span_eq(buf_span(&out), span_cstr(cases[i].out)))
                fail_msg("%s (%zu) in pieces of %zu: %.*s", cases[i].label, i, piece,
                         SPAN_ARG(buf_span(&out)));
            buf_fini(&out);
        }
    }
}

static void strangers_are_not_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        assert_false(charset_known(span_cstr(strangers[i])));
        assert_null(charset_new(span_cstr(strangers[i])));
    }
    assert_true(charset_known(SPAN("Shift_JIS")));
}

/* clang-format off */
static const char *const all[] = {
    "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
    "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-11", "iso-8859-13", "iso-8859-14", "iso-8859-15",
    "iso-8859-16", "windows-874", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
    "windows-1255", "windows-1256", "windows-1257", "windows-1258", "koi8-r", "koi8-u", "ibm866", "ibm437", "ibm850",
    "ibm852", "macintosh", "x-mac-cyrillic", "gb2312", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr",
    "iso-2022-kr", "utf-16", "utf-16le", "utf-16be", "utf-7",
};
/* clang-format on */

/* Any bytes in any charset: the result is UTF-8, and the same however they were cut. */
static void noise_becomes_utf8(void **state)
{
    (void)state;
    char in[300];
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int round = 0; round < 12; round++) {
            for (size_t k = 0; k < sizeof in; k++) {
                seed = seed * 1103515245u + 12345u;
                in[k] = (char)(seed >> 16 & (round % 3 == 0 ? 0x7f : 0xff));
                if (round % 4 == 1 && (seed >> 24 & 7) == 0)
                    in[k] = "\x1b$B(+-\x0e\x0f"[seed >> 28 & 7];
            }
            struct buf whole, cut;
            buf_init(&whole, 8000);
            buf_init(&cut, 8000);
            convert_in_pieces(all[i], span_of(in, sizeof in), sizeof in, &whole);
            convert_in_pieces(all[i], span_of(in, sizeof in), 1 + (size_t)round % 5, &cut);
            assert_true(utf8_valid(buf_span(&whole)));
            if (!span_eq(buf_span(&whole), buf_span(&cut)))
                fail_msg("%s depends on how it is cut", all[i]);
            buf_fini(&whole);
            buf_fini(&cut);
        }
    }
}

static void long_text_passes_in_blocks(void **state)
{
    (void)state;
    char in[20000];
    memset(in, 0xf0, sizeof in);
    static const char *const labels[] = {"koi8-r", "iso-8859-1", "utf-8"};
    for (size_t i = 0; i < 3; i++) {
        struct buf out;
        buf_init(&out, 100000);
        convert_in_pieces(labels[i], span_of(in, sizeof in), sizeof in, &out);
        assert_int_equal(out.n, i == 2 ? 60000 : 40000);
        buf_fini(&out);
        buf_init(&out, 10);
        struct charset *c = charset_new(span_cstr(labels[i]));
        assert_false(charset_convert(c, span_of(in, sizeof in), true, &out));
        charset_free(&c);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_converts_in_any_pieces),
        cmocka_unit_test(strangers_are_not_known),
        cmocka_unit_test(noise_becomes_utf8),
        cmocka_unit_test(long_text_passes_in_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
