#include "imapd/imap_match.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    const char *reference, *pattern, *name;
    bool matches;
} cases[] = {
    {"",     "*",       "a",         true},
    {"",     "*",       "a/b/c",     true},
    {"",     "%",       "a",         true},
    {"",     "%",       "a/b",       false},
    {"",     "%/%",     "a/b",       true},
    {"",     "%/%",     "a/b/c",     false},
    {"",     "a/%",     "a/b",       true},
    {"",     "a/%",     "a",         false},
    {"",     "a%",      "a",         true},
    {"",     "a%c",     "abc",       true},
    {"",     "a%c",     "a/c",       false},
    {"",     "a*c",     "a/c",       true},
    {"",     "a%*c",    "a/c",       true},
    {"",     "a*%c",    "a/c",       true},
    {"",     "%%",      "a/b",       false},
    {"",     "**",      "a/b",       true},
    {"a/",   "%",       "a/b",       true},
    {"a/",   "%",       "b",         false},
    {"%",    "*x",      "a/x",       true}, /* wildcards of both join: "*" */
    {"",     "inbox",   "INBOX",     true},
    {"",     "iNb%",    "INBOX",     true},
    {"",     "inbox/a", "INBOX/a",   true},
    {"",     "inbox/A", "INBOX/a",   false},
    {"",     "inboxes", "INBOXES",   false}, /* an ordinary name */
    {"",     "Sent",    "sent",      false},
    {"",     "",        "",          true},
    {"",     "",        "a",         false},
    {"",     "a",       "",          false},
    {"",     "*a*b*c*", "xxaxxbxxcxx", true},
    {"",     "*a*b*c*", "xxaxxcxxbxx", false},
    {"",     "%\xc3\xa4%", "\xc3\xa4/", false},
    {"",     "%\xc3\xa4*", "\xc3\xa4/", true},
};
/* clang-format on */

static void match_cases(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct imap_match m =
            imap_match_of(a, span_cstr(cases[i].reference), span_cstr(cases[i].pattern));
        if (imap_match(&m, span_cstr(cases[i].name)) != cases[i].matches)
            fail_msg("\"%s\" \"%s\" and \"%s\"", cases[i].reference, cases[i].pattern,
                     cases[i].name);
    }
    arena_free(&a);
}

/* The textbook definition, exponential, to compare with on every short pattern and name. */
static bool match_plainly(struct span p, struct span n)
{
    if (p.n == 0)
        return n.n == 0;
    if (p.p[0] == '*' || p.p[0] == '%')
        return match_plainly(span_from(p, 1), n) ||
               (n.n > 0 && (p.p[0] == '*' || n.p[0] != '/') && match_plainly(p, span_from(n, 1)));
    return n.n > 0 && n.p[0] == p.p[0] && match_plainly(span_from(p, 1), span_from(n, 1));
}

static void match_all_short(void **state)
{
    (void)state;
    static const char pattern_alphabet[] = "a/*%", name_alphabet[] = "ab/";
    struct arena *a = arena_new();
    for (unsigned p = 0; p < 1024; p++) {
        char pattern[5], name[4];
        for (unsigned i = 0; i < 5; i++)
            pattern[i] = pattern_alphabet[p >> (2 * i) & 3];
        struct imap_match m = imap_match_of(a, SPAN(""), span_of(pattern, 5));
        for (unsigned n = 0; n < 81; n++) {
            for (unsigned i = 0, rest = n; i < 4; i++, rest /= 3)
                name[i] = name_alphabet[rest % 3];
            for (size_t length = 0; length <= 4; length++) {
                struct span s = span_of(name, length);
                assert_int_equal(imap_match(&m, s), match_plainly(span_of(pattern, 5), s));
            }
        }
        arena_reset(a);
    }
    arena_free(&a);
}

static void match_levels(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_true(imap_match_of(a, SPAN(""), SPAN("a/%")).levels);
    assert_false(imap_match_of(a, SPAN("%"), SPAN("a")).levels);
    assert_false(imap_match_of(a, SPAN(""), SPAN("*")).levels);
    arena_free(&a);
}

/* What no name can match is refused by its length alone, and wildcards in a row count as one. */
static void match_long(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char text[5000];
    memset(text, 'x', sizeof text);
    struct imap_match m = imap_match_of(a, SPAN(""), span_of(text, sizeof text));
    assert_false(imap_match(&m, span_of(text, 1000)));
    memset(text, '*', sizeof text);
    m = imap_match_of(a, SPAN(""), span_of(text, sizeof text));
    unit_assert_span(m.pattern, "*");
    assert_true(imap_match(&m, SPAN("a/b")));
    arena_free(&a);
}

/* The same wherever in the words of 64 a wildcard falls. */
static void match_across_words(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *pattern, *name; bool matches; } tails[] = {
        {"%y*z", "aby/cz", true}, {"%y*z", "yz", true},   {"%y*z", "a/yz", false},
        {"*",    "",       true}, {"%",    "ab", true},   {"%",    "a/b",  false},
        {"%%b",  "ab",     true}, {"ab",   "abc", false}, {"a%",   "b",    false},
    };
    /* clang-format on */
    struct arena *a = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(tails); i++) {
        for (int n = 50; n < 200; n++) {
            char filling[200];
            memset(filling, 'x', sizeof filling);
            struct span before = span_of(filling, (size_t)n);
            struct imap_match m = imap_match_of(a, before, span_cstr(tails[i].pattern));
            struct span name = arena_printf(a, "%.*s%s", SPAN_ARG(before), tails[i].name);
            if (imap_match(&m, name) != tails[i].matches)
                fail_msg("\"%s\" and \"%s\" behind %d", tails[i].pattern, tails[i].name, n);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(match_cases),
                                       cmocka_unit_test(match_all_short),
                                       cmocka_unit_test(match_levels), cmocka_unit_test(match_long),
                                       cmocka_unit_test(match_across_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
