#include "message/nstring.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void strings_take_the_safe_form(void **state)
{
    (void)state;
    static const struct {
        struct span in, out;
    } cases[] = {
        {{NULL, 0}, {"NIL", 3}},
        {{"", 0}, {"\"\"", 2}},
        {{"NIL", 3}, {"\"NIL\"", 5}},
        {{"a \"b\" \\c", 8}, {"\"a \\\"b\\\" \\\\c\"", 13}},
        {{"tab\there", 8}, {"\"tab\there\"", 10}},
        {{"(%*{]}", 6}, {"\"(%*{]}\"", 8}},
        {{"a\r\nb", 4}, {"{4}\r\na\r\nb", 9}},
        {{"a\nb", 3}, {"{3}\r\na\nb", 8}},
        {{"\x7f", 1}, {"{1}\r\n\x7f", 6}},
        {{"\x01", 1}, {"{1}\r\n\x01", 6}},
        {{"\xc3\xa9", 2}, {"{2}\r\n\xc3\xa9", 7}},
        {{"a\0b\0", 4}, {"{4}\r\na?b?", 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_true(nstring_put(&out, cases[i].in));
        assert_int_equal(out.n, cases[i].out.n);
        assert_memory_equal(out.p, cases[i].out.p, out.n);
        buf_fini(&out);
    }
}

static void long_ones_are_literals(void **state)
{
    (void)state;
    char text[1001];
    struct buf out;
    memset(text, 'x', sizeof text);
    buf_init(&out, 2000);
    assert_true(nstring_put(&out, span_of(text, 1000)));
    assert_int_equal(out.p[0], '"');
    assert_int_equal(out.n, 1002);
    buf_reset(&out);
    assert_true(nstring_put(&out, span_of(text, 1001)));
    assert_memory_equal(out.p, "{1001}\r\nxx", 10);
    assert_int_equal(out.n, 8 + 1001);
    buf_fini(&out);
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    for (size_t max = 0; max < 7; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(nstring_put(&out, SPAN("ab\"c")), max >= 7);
        assert_true(out.full);
        buf_reset(&out);
        assert_int_equal(nstring_put(&out, SPAN("\xff\xff")), max >= 7);
        assert_true(out.full);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_take_the_safe_form),
        cmocka_unit_test(long_ones_are_literals),
        cmocka_unit_test(a_full_buffer_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
