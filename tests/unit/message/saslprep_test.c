#include "message/saslprep.h"

#include "tests/unit/unit_arena.h"

/* The examples of RFC 4013 §3, and more. */
/* clang-format off */
static const struct { const char *in, *out; } rows[] = {
    {"", ""},
    {"user", "user"},
    {"USER", "USER"},                       /* case is kept */
    {"I\u00adX", "IX"},                     /* a soft hyphen is mapped to nothing */
    {"\u00aa", "a"},                        /* NFKC */
    {"\u2168", "IX"},
    {"\ufb01ne", "fine"},
    {"a\u00a0b\u3000c", "a b c"},           /* spaces */
    {"e\u0301", "\u00e9"},
    {"\u00e9", "\u00e9"},
    {"\x07", NULL},                         /* prohibited */
    {"a\x7f", NULL},
    {"\xff", NULL},
    {"a\xc3", NULL},
};
/* clang-format on */

static void texts_are_prepared(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span in = span_cstr(rows[i].in), out;
        assert_int_equal(saslprep(a, in, &out), rows[i].out != NULL);
        if (rows[i].out)
            unit_assert_same(out, span_cstr(rows[i].out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_are_prepared, unit_arena_new, unit_arena_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
