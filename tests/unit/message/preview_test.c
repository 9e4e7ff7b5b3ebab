#include "message/preview.h"
#include "common/utf8.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    enum encode_kind encoding;
    const char *charset;
    bool html;
    const char *body, *text;
} cases[] = {
    {ENCODE_7BIT, "", false, "", ""},
    {ENCODE_7BIT, "", false, " \r\n\t\r\n", ""},
    {ENCODE_7BIT, "us-ascii", false, "Hello,\r\n\r\n  world.\r\n", "Hello, world."},
    {ENCODE_8BIT, "utf-8", false, "caf\xc3\xa9\xc2\xa0x\xe2\x80\x8b\xef\xbb\xbfy\x01z", "caf\xc3\xa9 xy z"},
    {ENCODE_8BIT, "iso-8859-1", false, "caf\xe9", "caf\xc3\xa9"},
    {ENCODE_8BIT, "no-such-charset", false, "caf\xc3\xa9 \xff", "caf\xc3\xa9 \xef\xbf\xbd"},
    {ENCODE_QP, "utf-8", false, "caf=C3=A9 soft=\r\n break=\r\n", "caf\xc3\xa9 soft break"},
    {ENCODE_BASE64, "utf-16be", false, "AEEAIABC\r\n", "A B"},
    {ENCODE_7BIT, "", false, "> quoted\r\nmine\r\n>>more\r\n > mine too\r\n", "mine > mine too"},
    {ENCODE_7BIT, "", false, "> only\r\n> quoted\r\n\r\n", "> only > quoted"},
    {ENCODE_7BIT, "", true, "<style>x</style><p>Hello <b>w&ouml;rld</b></p><blockquote>old</blockquote>new", "Hello w\xc3\xb6rld new"},
    {ENCODE_7BIT, "", true, "<div>&zwnj;&nbsp;&zwnj;&nbsp;&#847; Sale</div>", "Sale"},
    {ENCODE_8BIT, "utf-8", false, "a\xe2\x80\x8d" "b", "a\xe2\x80\x8d" "b"}, /* a joiner inside a word */
};
/* clang-format on */

static void check(size_t i, size_t step)
{
    struct preview p;
    preview_init(&p);
    assert_true(preview_wants(&p));
    preview_begin(&p, cases[i].encoding, span_cstr(cases[i].charset), cases[i].html);
    for (struct span in = span_cstr(cases[i].body); in.n > 0;) {
        struct span piece = span_to(in, step);
        preview_feed(&p, piece);
        in = span_from(in, piece.n);
    }
    preview_end(&p);
    if (!span_eq(preview_text(&p), span_cstr(cases[i].text)))
        fail_msg("case %zu: \"%.*s\"", i, SPAN_ARG(preview_text(&p)));
    assert_int_equal(preview_wants(&p), cases[i].text[0] == '\0');
    preview_feed(&p, SPAN("behind the end"));
    unit_assert_same(preview_text(&p), span_cstr(cases[i].text));
    preview_fini(&p);
}

static void previews_say_what_the_text_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t step = 1; step < 200; step += 66)
            check(i, step);
}

static void long_texts_are_cut_at_200_characters(void **state)
{
    (void)state;
    struct preview p;
    preview_init(&p);
    preview_begin(&p, ENCODE_8BIT, SPAN("utf-8"), false);
    for (int i = 0; i < 1000; i++)
        preview_feed(&p, SPAN("\xf0\x9f\x98\x80"));
    preview_end(&p);
    assert_int_equal(preview_text(&p).n, 4 * PREVIEW_CHARS);
    assert_true(utf8_valid(preview_text(&p)));
    preview_fini(&p);
    preview_init(&p);
    preview_begin(&p, ENCODE_7BIT, SPAN(""), false);
    for (int i = 0; i < 1000; i++)
        preview_feed(&p, SPAN("ab "));
    preview_end(&p);
    assert_true(preview_text(&p).n <= PREVIEW_CHARS && preview_text(&p).n > PREVIEW_CHARS - 3);
    preview_fini(&p);
}

/* What is far down in a part is not looked for. */
static void the_search_is_bounded(void **state)
{
    (void)state;
    struct preview p;
    preview_init(&p);
    preview_begin(&p, ENCODE_7BIT, SPAN(""), false);
    for (int i = 0; i < PREVIEW_PART_BYTES / 4; i++)
        preview_feed(&p, SPAN("\r\n\r\n"));
    preview_feed(&p, SPAN("late"));
    preview_end(&p);
    unit_assert_span(preview_text(&p), "");
    preview_begin(&p, ENCODE_7BIT, SPAN(""), false); /* the next part */
    preview_feed(&p, SPAN("found"));
    preview_end(&p);
    unit_assert_span(preview_text(&p), "found");
    preview_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(previews_say_what_the_text_says),
        cmocka_unit_test(long_texts_are_cut_at_200_characters),
        cmocka_unit_test(the_search_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
