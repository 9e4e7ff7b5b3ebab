#include "common/scan.h"

#include "tests/unit/unit.h"

static bool scan_is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static void scan_walks(void **state)
{
    (void)state;
    struct scan s = scan_of(SPAN("FROM:<ann@example.org> 42 7 abc{xy}"));
    assert_int_equal(scan_peek(&s), 'F');
    assert_false(scan_try_word(&s, SPAN("FRO:")));
    assert_true(scan_try_word(&s, SPAN("from:")));
    scan_byte(&s, '<', "<");
    unit_assert_span(scan_until(&s, '>', ">"), "ann@example.org");
    assert_int_equal(scan_peek(&s), '>');
    assert_true(scan_try(&s, '>'));
    assert_false(scan_try(&s, '>'));
    scan_byte(&s, ' ', "a space");
    assert_int_equal(scan_u64(&s, "a number"), 42);
    scan_byte(&s, ' ', "a space");
    assert_int_equal(scan_u32(&s, "a number"), 7);
    scan_byte(&s, ' ', "a space");
    unit_assert_span(scan_while(&s, scan_is_lower), "abc");
    unit_assert_span(scan_while(&s, scan_is_lower), "");
    unit_assert_span(scan_take(&s, 3, "three bytes"), "{xy");
    unit_assert_span(scan_rest(&s), "}");
    assert_false(scan_done(&s));
    unit_assert_span(scan_take(&s, 1, "one byte"), "}");
    assert_true(scan_done(&s));
    assert_int_equal(scan_peek(&s), -1);
    unit_assert_span(scan_take(&s, 0, "nothing"), "");
    scan_end(&s, "the end");
    assert_true(scan_ok(&s));
}

static void scan_sticks(void **state)
{
    (void)state;
    struct scan s = scan_of(SPAN("12abc>"));
    scan_byte(&s, 'x', "an x");
    assert_false(scan_ok(&s));
    scan_byte(&s, '1', "a one");
    assert_false(scan_fail(&s, "later"));
    assert_string_equal(s.why, "an x");
    assert_true(scan_done(&s));
    assert_int_equal(scan_peek(&s), -1);
    assert_false(scan_try(&s, '1'));
    assert_false(scan_try_word(&s, SPAN("12")));
    assert_false(scan_try_word(&s, SPAN("")));
    assert_int_equal(scan_until(&s, '>', "y").n, 0);
    assert_int_equal(scan_while(&s, scan_is_lower).n, 0);
    assert_int_equal(scan_u64(&s, "y"), 0);
    assert_int_equal(scan_u32(&s, "y"), 0);
    assert_int_equal(scan_take(&s, 1, "y").n, 0);
    assert_int_equal(scan_take(&s, 0, "y").n, 0);
    assert_int_equal(scan_rest(&s).n, 0);
    scan_end(&s, "y");
    assert_string_equal(s.why, "an x");
    assert_int_equal(s.at, 0);
}

static void scan_rule_byte(struct scan *s)
{
    scan_byte(s, 'a', "why");
}
static void scan_rule_until(struct scan *s)
{
    scan_until(s, '>', "why");
}
static void scan_rule_u64(struct scan *s)
{
    scan_u64(s, "why");
}
static void scan_rule_u32(struct scan *s)
{
    scan_u32(s, "why");
}
static void scan_rule_take(struct scan *s)
{
    scan_take(s, 3, "why");
}
static void scan_rule_take_all(struct scan *s)
{
    s->at = s->in.n ? 1 : 0;
    scan_take(s, SIZE_MAX, "why");
}
static void scan_rule_end(struct scan *s)
{
    scan_end(s, "why");
}

/* clang-format off */
static const struct {
    void (*rule)(struct scan *s);
    const char *in;
    bool ok;
    size_t at;
} scan_rules[] = {
    {scan_rule_byte,     "",           false, 0},
    {scan_rule_byte,     "b",          false, 0},
    {scan_rule_byte,     "a",          true,  1},
    {scan_rule_until,    "",           false, 0},
    {scan_rule_until,    "abc",        false, 0},
    {scan_rule_until,    ">",          true,  0},
    {scan_rule_u64,      "",           false, 0},
    {scan_rule_u64,      "x1",         false, 0},
    {scan_rule_u64,      "-1",         false, 0},
    {scan_rule_u64,      "18446744073709551615x", true, 20},
    {scan_rule_u64,      "18446744073709551616", false, 20},
    {scan_rule_u32,      "4294967295", true, 10},
    {scan_rule_u32,      "4294967296", false, 10},
    {scan_rule_take,     "ab",         false, 0},
    {scan_rule_take,     "abc",        true,  3},
    {scan_rule_take_all, "abc",        false, 1},
    {scan_rule_end,      "",           true,  0},
    {scan_rule_end,      "a",          false, 0},
};
/* clang-format on */

static void scan_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(scan_rules); i++) {
        struct scan s = scan_of(span_cstr(scan_rules[i].in));
        scan_rules[i].rule(&s);
        assert_int_equal(scan_ok(&s), scan_rules[i].ok);
        assert_int_equal(s.at, scan_rules[i].at);
        if (!scan_rules[i].ok)
            assert_string_equal(s.why, "why");
    }
}

static void scan_empty(void **state)
{
    (void)state;
    struct scan s = scan_of((struct span){NULL, 0});
    assert_true(scan_done(&s));
    assert_false(scan_try(&s, '\xff')); /* 0xff is not the -1 of the end */
    assert_true(scan_try_word(&s, SPAN("")));
    assert_int_equal(scan_take(&s, 0, "nothing").n, 0);
    assert_int_equal(scan_rest(&s).n, 0);
    scan_end(&s, "the end");
    assert_true(scan_ok(&s));
    s = scan_of(SPAN("\xff"));
    assert_int_equal(scan_peek(&s), 0xff);
    assert_true(scan_try(&s, '\xff'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_walks),
        cmocka_unit_test(scan_sticks),
        cmocka_unit_test(scan_fails),
        cmocka_unit_test(scan_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
