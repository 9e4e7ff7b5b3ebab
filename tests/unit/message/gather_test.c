#include "message/gather.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool wants(struct span name)
{
    return span_eq_ci(name, SPAN("To")) || span_eq_ci(name, SPAN("Subject"));
}

/* Feeds the lines of text, each in pieces of that size; returns what is kept. */
static struct span gather(struct gather *g, const char *text, size_t piece)
{
    struct span rest = span_cstr(text);
    gather_begin(g, wants);
    while (rest.n > 0) {
        size_t n = span_find(rest, '\n');
        struct span line = span_to(rest, n);
        rest = span_from(rest, n + 1);
        for (; line.n > piece; line = span_from(line, piece))
            gather_piece(g, span_to(line, piece));
        line = gather_line(g, line);
        if (line.n > 0)
            gather_take(g, line);
    }
    return buf_span(&g->kept);
}

/* clang-format off */
static const struct { size_t field_bytes, header_bytes; const char *in, *kept; } cases[] = {
    {100, 100, "To: a\r\nX: b\r\nSubject: c\r\n",            "To: a\nSubject: c\n"},
    {100, 100, "to: a,\r\n b\r\nX: b\r\n c\r\nSUBJECT:c\n",  "to: a,\n b\nSUBJECT:c\n"},
    {100, 100, " a\r\nTo : a\r\ngarbage\r\n b\r\n",          "To : a\n"},
    {100, 100, "From ann Mon Jan 1 10:00:00\r\nTo: a\r\n",   "To: a\n"},
    {8,   100, "To: abcdefgh\r\n",                           "To: abcd\n"},
    {8,   100, "To: a\r\n bcd\r\n efg\r\n",                  "To: a\n bc\n\n"},
    {8,   100, "X-Long-Header: a\r\nTo: a\r\n",              "To: a\n"},
    {100, 10,  "To: a\r\nTo: b\r\nTo: c\r\n",                "To: a\n"},
    {100, 12,  "To: a\r\nTo: b\r\nTo: c\r\n",                "To: a\nTo: b\n"},
    {100, 10,  "To: a\r\n 12345\r\n b\r\nTo: c\r\n",         "To: a\n"},
};
/* clang-format on */

static void wanted_fields_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 30; piece++) {
            struct gather g;
            gather_init(&g, cases[i].field_bytes, cases[i].header_bytes);
            struct span kept = gather(&g, cases[i].in, piece);
            if (!span_eq(kept, span_cstr(cases[i].kept)))
                fail_msg("case %zu, pieces of %zu: %.*s", i, piece, SPAN_ARG(kept));
            gather_fini(&g);
        }
}

static void headers_share_their_limit(void **state)
{
    (void)state;
    struct gather g;
    gather_init(&g, 100, 13);
    assert_int_equal(gather(&g, "To: a\r\n", 100).n, 6);
    assert_int_equal(gather(&g, "To: b\r\nX: c\r\n", 100).n, 6);
    assert_int_equal(gather(&g, "To: c\r\n", 100).n, 0);
    assert_true(g.spent);
    gather_fini(&g);
}

static void a_cut_line_is_never_empty(void **state)
{
    (void)state;
    struct gather g;
    gather_init(&g, 4, 100);
    gather_begin(&g, wants);
    gather_piece(&g, SPAN("abcd"));
    assert_false(g.cut);
    assert_int_equal(gather_line(&g, SPAN("\r")).n, 4);
    assert_true(g.cut);
    gather_take(&g, SPAN("abcd"));
    assert_false(g.cut);
    assert_int_equal(gather_line(&g, SPAN("\r")).n, 0);
    gather_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wanted_fields_are_kept),
        cmocka_unit_test(headers_share_their_limit),
        cmocka_unit_test(a_cut_line_is_never_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
