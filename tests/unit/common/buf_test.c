#include "common/buf.h"

#include "tests/unit/unit.h"

static void buf_builds(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_null(b.p);
    assert_true(buf_add(&b, (struct span){NULL, 0}));
    assert_null(b.p);
    assert_true(buf_addz(&b, "* "));
    assert_true(buf_u64(&b, 0));
    assert_true(buf_byte(&b, ' '));
    assert_true(buf_u64(&b, UINT64_MAX));
    assert_true(buf_addf(&b, " %s %d", "EXISTS", -1));
    assert_true(buf_add(&b, SPAN("\r\0\n")));
    unit_assert_span(buf_span(&b), "* 0 18446744073709551615 EXISTS -1\r\0\n");
    buf_eat(&b, 2);
    buf_eat(&b, 0);
    unit_assert_span(buf_span(&b), "0 18446744073709551615 EXISTS -1\r\0\n");
    buf_eat(&b, b.n);
    assert_int_equal(b.n, 0);
    assert_non_null(b.p);
    buf_trim(&b);
    assert_null(b.p);
    assert_int_equal(b.max_bytes, 1000);
    assert_true(buf_byte(&b, 'x'));
    unit_assert_span(buf_span(&b), "x");
    buf_fini(&b);
    buf_fini(&b);
}

static void buf_grows(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    size_t moves = 0;
    for (size_t i = 0; i < 100000; i++) {
        const char *before = b.p;
        size_t cap = b.cap;
        assert_true(buf_byte(&b, (char)i));
        moves += b.p != before || b.cap != cap;
    }
    assert_true(moves < 15); /* doubling */
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.p[i], (char)i);
    assert_null(buf_room(&b, SIZE_MAX - 10)); /* does not wrap */
    assert_true(b.full);
    buf_fini(&b);
}

static bool buf_try_add(struct buf *b)
{
    return buf_add(b, SPAN("12345"));
}
static bool buf_try_addz(struct buf *b)
{
    return buf_addz(b, "12345");
}
static bool buf_try_bytes(struct buf *b)
{
    return buf_add(b, SPAN("1234")) && buf_byte(b, '5');
}
static bool buf_try_addf(struct buf *b)
{
    return buf_addf(b, "%d", 12345);
}
static bool buf_try_u64(struct buf *b)
{
    return buf_u64(b, 12345);
}
static bool buf_try_room(struct buf *b)
{
    char *p = buf_room(b, 5);
    if (!p)
        return false;
    memcpy(p, "12345", 5);
    buf_grew(b, 5);
    return true;
}

static void buf_keeps_maximum(void **state)
{
    (void)state;
    bool (*const ways[])(struct buf *) = {buf_try_add,  buf_try_addz, buf_try_bytes,
                                          buf_try_addf, buf_try_u64,  buf_try_room};
    for (size_t i = 0; i < UNIT_COUNT(ways); i++) {
        struct buf b;
        buf_init(&b, 8);
        buf_addz(&b, "abc");
        assert_true(ways[i](&b));
        assert_false(b.full);
        assert_true(b.cap <= 8);
        unit_assert_span(buf_span(&b), "abc12345");
        assert_false(ways[i](&b));
        assert_true(b.full);
        unit_assert_span(buf_span(&b), "abc12345");
        buf_reset(&b);
        assert_false(b.full);
        assert_int_equal(b.n, 0);
        assert_non_null(b.p);
        assert_true(ways[i](&b));
        unit_assert_span(buf_span(&b), "12345");
        buf_fini(&b);
        buf_init(&b, 4);
        assert_false(ways[i](&b));
        assert_true(b.full);
        buf_fini(&b);
    }
}

static void buf_formats_much(void **state)
{
    (void)state;
    struct buf b;
    static const int widths[] = {511, 512, 513, 5000};
    for (size_t i = 0; i < UNIT_COUNT(widths); i++) {
        buf_init(&b, (size_t)widths[i]);
        assert_true(buf_addf(&b, "%*d", widths[i], 7));
        assert_int_equal(b.n, widths[i]);
        assert_int_equal(b.p[0], ' ');
        assert_int_equal(b.p[b.n - 1], '7');
        assert_false(buf_addf(&b, "%*d", widths[i], 7));
        assert_int_equal(b.n, widths[i]);
        buf_fini(&b);
    }
}

static void buf_room_zero(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_non_null(buf_room(&b, 0));
    assert_null(buf_room(&b, 1));
    assert_false(buf_byte(&b, 'x'));
    buf_fini(&b);
}

static void buf_eats_too_much(void)
{
    struct buf b;
    buf_init(&b, 8);
    buf_eat(&b, 1);
}
static void buf_grew_too_much(void)
{
    struct buf b;
    buf_init(&b, 8);
    buf_room(&b, 8);
    buf_grew(&b, 9);
}

static void buf_musts(void **state)
{
    (void)state;
    unit_assert_must(buf_eats_too_much, "n <= b->n");
    unit_assert_must(buf_grew_too_much, "n <= b->cap - b->n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_builds),        cmocka_unit_test(buf_grows),
        cmocka_unit_test(buf_keeps_maximum), cmocka_unit_test(buf_formats_much),
        cmocka_unit_test(buf_room_zero),     cmocka_unit_test(buf_musts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
