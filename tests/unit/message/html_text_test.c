#include "message/html_text.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const char *const cases[][2] = {
    {"plain", "plain"},
    {"a<b>b</b>c", "abc"},
    {"<p>one</p><p>two", "\none\n\ntwo"},
    {"a<br>b<br/>c<BR />d", "a\nb\nc\nd"},
    {"a\r\nb\tc", "a  b c"},
    {"<a href=\"x>y\">z</a>", "z"},
    {"<a href='x>\"y'>z</a>", "z"},
    {"<a title=it's>z</a>", "z"},
    {"<a x=\"y\" b='>' c>z", "z"},
    {"a < b, a<3, a </ b", "a < b, a<3, a </ b"},
    {"a<!-- hidden <b> -- -> -->b<!-->c", "abc"},
    {"<!DOCTYPE html>a<?xml x?>b", "\na\nb"},
    {"<!--[if mso]>x<![endif]-->y<!--[if !mso]><!-->z", "yz"},
    {"<style>p > a { b: \"c\" }</style>x", "\nx"},
    {"<script>if (a < b && c<d</script>x", "\nx"},
    {"<SCRIPT src=x>\"</s\" <b></Script >x", "\nx"},
    {"<title>t</title>x<script/>y", "\nx\ny"},
    {"<script>never closed", "\n"},
    {"&lt;&amp;&gt;&quot;&apos;&auml;&Ouml;&euro;&nbsp;x", "<&>\"'\xc3\xa4\xc3\x96\xe2\x82\xac\xc2\xa0x"},
    {"&#65;&#x42;&#X63;&#x20AC;&#0;&#x110000;&#xD800;", "ABc\xe2\x82\xac&#0;&#x110000;\xef\xbf\xbd"},
    {"&unknown; &; & &amp &ampx AT&T &#; &#x; &#12a;", "&unknown; &; & & &ampx AT&T &#; &#x; &#12a;"},
    {"&aVeryLongNameThatIsNoEntity;", "&aVeryLongNameThatIsNoEntity;"},
    {"a<blockquote>b<br>c</blockquote>d", "a\n> b\n> c\nd"},
    {"<blockquote><blockquote>a</blockquote></blockquote></blockquote>b", "\n\n> a\n\n\nb"},
    {"caf\xc3\xa9<i>\xe4\xb8\xad</i>", "caf\xc3\xa9\xe4\xb8\xad"},
    {"a<unfinished", "a"},
    {"a&am", "a"},
    {"<averyveryverylongelementname>x", "\nx"},
};
/* clang-format on */

static void run(struct span in, size_t step, struct buf *out)
{
    struct html_text h = {0};
    while (in.n > 0) {
        struct span piece = span_to(in, step);
        assert_true(html_text(&h, piece, out));
        in = span_from(in, piece.n);
    }
}

static void text_is_what_a_reader_sees(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        for (size_t step = 1; step < 100; step += 13) { /* pieces make no difference */
            struct buf out;
            buf_init(&out, 1000);
            run(span_cstr(cases[i][0]), step, &out);
            if (!span_eq(buf_span(&out), span_cstr(cases[i][1])))
                fail_msg("%s: \"%.*s\"", cases[i][0], SPAN_ARG(buf_span(&out)));
            buf_fini(&out);
        }
    }
}

static void garbage_ends(void **state)
{
    (void)state;
    static const char bytes[] = "<>&;#x!-/\"'= ascript\n\xc3\xa9>";
    struct html_text h = {0};
    struct buf out;
    uint32_t seed = 1;
    buf_init(&out, 1 << 22);
    for (int i = 0; i < 500000; i++) {
        seed = seed * 1664525u + 1013904223u;
        assert_true(html_text(&h, span_of(&bytes[(seed >> 16) % (sizeof bytes - 1)], 1), &out));
    }
    buf_fini(&out);
}

static void full_is_told(void **state)
{
    (void)state;
    struct html_text h = {0};
    struct buf out;
    buf_init(&out, 3);
    assert_true(html_text(&h, SPAN("abc"), &out));
    assert_false(html_text(&h, SPAN("d"), &out));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_what_a_reader_sees),
        cmocka_unit_test(garbage_ends),
        cmocka_unit_test(full_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
