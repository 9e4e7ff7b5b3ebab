#include "common/span.h"

#include "tests/unit/unit.h"

static const struct span span_null = {NULL, 0};

static int span_sign(int v)
{
    return (v > 0) - (v < 0);
}

/* clang-format off */
static const struct {
    const char *a, *b;
    int cmp, cmp_ci;
    bool starts_ci; /* a starts with b */
} span_pairs[] = {
    {"",     "",     0,  0,  true},
    {"a",    "",     1,  1,  true},
    {"",     "a",   -1, -1,  false},
    {"abc",  "abc",  0,  0,  true},
    {"ABC",  "abc", -1,  0,  true},
    {"abcd", "ABC",  1,  1,  true},
    {"abc",  "abd", -1, -1,  false},
    {"ab",   "abc", -1, -1,  false},
    {"[",    "{",   -1, -1,  false}, /* next to the letters: not folded */
    {"@",    "`",   -1, -1,  false},
    {"\xc4", "\xe4", -1, -1, false}, /* 8-bit: not folded */
    {"a",    "\xff", -1, -1, false}, /* compared as unsigned */
};
/* clang-format on */

static void span_compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(span_pairs); i++) {
        struct span a = span_cstr(span_pairs[i].a), b = span_cstr(span_pairs[i].b);
        assert_int_equal(span_sign(span_cmp(a, b)), span_pairs[i].cmp);
        assert_int_equal(span_sign(span_cmp(b, a)), -span_pairs[i].cmp);
        assert_int_equal(span_sign(span_cmp_ci(a, b)), span_pairs[i].cmp_ci);
        assert_int_equal(span_sign(span_cmp_ci(b, a)), -span_pairs[i].cmp_ci);
        assert_int_equal(span_eq(a, b), span_pairs[i].cmp == 0);
        assert_int_equal(span_eq_ci(a, b), span_pairs[i].cmp_ci == 0);
        assert_int_equal(span_starts_ci(a, b), span_pairs[i].starts_ci);
    }
    assert_true(span_eq(span_null, SPAN("")));
    assert_true(span_eq_ci(span_null, SPAN("")));
    assert_int_equal(span_cmp(span_null, SPAN("")), 0);
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
}

static void span_finds(void **state)
{
    (void)state;
    struct span s = SPAN("a\0bcbc");
    assert_int_equal(span_find(s, 'a'), 0);
    assert_int_equal(span_find(s, '\0'), 1);
    assert_int_equal(span_find(s, 'c'), 3);
    assert_int_equal(span_find(s, 'x'), s.n);
    assert_int_equal(span_find(span_null, 'x'), 0);
    assert_int_equal(span_find(SPAN("x\xff"), '\xff'), 1);
    assert_int_equal(span_find_span(s, SPAN("bc")), 2);
    assert_int_equal(span_find_span(s, SPAN("cbc")), 3);
    assert_int_equal(span_find_span(s, SPAN("bcd")), s.n);
    assert_int_equal(span_find_span(s, SPAN("a\0bcbcb")), s.n);
    assert_int_equal(span_find_span(s, span_null), 0);
    assert_int_equal(span_find_span(span_null, SPAN("a")), 0);
    assert_int_equal(span_find_span(span_null, span_null), 0);
}

static void span_cuts(void **state)
{
    (void)state;
    unit_assert_span(span_from(SPAN("abc"), 1), "bc");
    unit_assert_span(span_from(SPAN("abc"), 3), "");
    assert_int_equal(span_from(span_null, 0).n, 0);
    unit_assert_span(span_to(SPAN("abc"), 2), "ab");
    unit_assert_span(span_to(SPAN("abc"), 9), "abc");
    unit_assert_span(span_trim(SPAN(" \t\r\n a b \r\n")), "a b");
    unit_assert_span(span_trim(SPAN(" \t\r\n")), "");
    unit_assert_span(span_trim(SPAN("\v a")), "\v a");
    assert_int_equal(span_trim(span_null).n, 0);
    assert_int_equal(span_cstr(NULL).n, 0);
}

/* clang-format off */
static const struct {
    const char *text;
    bool u64, u32;
    uint64_t value;
} span_numbers[] = {
    {"0",                    true,  true,  0},
    {"007",                  true,  true,  7},
    {"4294967295",           true,  true,  UINT32_MAX},
    {"4294967296",           true,  false, UINT64_C(4294967296)},
    {"18446744073709551615", true,  false, UINT64_MAX},
    {"18446744073709551616", false, false, 0},
    {"18446744073709551620", false, false, 0},
    {"99999999999999999999", false, false, 0},
    {"",                     false, false, 0},
    {"+1",                   false, false, 0},
    {"-1",                   false, false, 0},
    {" 1",                   false, false, 0},
    {"1 ",                   false, false, 0},
    {"1a",                   false, false, 0},
};
/* clang-format on */

static void span_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(span_numbers); i++) {
        struct span s = span_cstr(span_numbers[i].text);
        uint64_t wide = 42;
        uint32_t narrow = 42;
        assert_int_equal(span_u64(s, &wide), span_numbers[i].u64);
        assert_int_equal(wide, span_numbers[i].u64 ? span_numbers[i].value : 42);
        assert_int_equal(span_u32(s, &narrow), span_numbers[i].u32);
        assert_int_equal(narrow, span_numbers[i].u32 ? span_numbers[i].value : 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_compares),
        cmocka_unit_test(span_finds),
        cmocka_unit_test(span_cuts),
        cmocka_unit_test(span_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
