#include "common/arena.h"

#include "tests/unit/unit.h"

#include <malloc.h>

static const size_t arena_sizes[] = {1,    0,     3,     16,    900,    1008, 1009,
                                     5000, 16384, 16385, 70000, 300000, 17};

static void arena_keeps_apart(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int round = 0; round < 3; round++) { /* a reset or a trim between */
        unsigned char *p[UNIT_COUNT(arena_sizes) * 20];
        size_t total = 0;
        for (size_t i = 0; i < UNIT_COUNT(p); i++) {
            size_t n = arena_sizes[i % UNIT_COUNT(arena_sizes)];
            p[i] = arena_alloc(a, n);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
            memset(p[i], (int)(i & 0xff), n);
            total += n;
        }
        assert_int_equal(arena_used(a), total);
        for (size_t i = 0; i < UNIT_COUNT(p); i++)
            for (size_t at = 0; at < arena_sizes[i % UNIT_COUNT(arena_sizes)]; at++)
                if (p[i][at] != (i & 0xff))
                    fail_msg("allocation %zu was overwritten at %zu", i, at);
        round ? arena_reset(a) : arena_trim(a);
        assert_int_equal(arena_used(a), 0);
    }
    arena_free(&a);
    assert_null(a);
    arena_free(&a);
}

/* Each size is the first in its arena: around the end of a block every byte must be ours. */
static void arena_fills_blocks(void **state)
{
    (void)state;
    for (size_t n = 990; n < 1040; n++) {
        struct arena *a = arena_new();
        memset(arena_alloc(a, n), 'x', n);
        memset(arena_alloc(a, 1), 'y', 1);
        arena_free(&a);
    }
}

struct arena_thing {
    char name[40];
    long count;
};

static void arena_copies(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    memset(arena_alloc(a, 500), 'x', 500);
    arena_reset(a);
    struct arena_thing *thing = arena_new_of(a, struct arena_thing);
    for (size_t i = 0; i < sizeof *thing; i++)
        assert_int_equal(((char *)thing)[i], 0);
    char text[] = "ann\0bob";
    struct span kept = arena_keep(a, span_of(text, 7));
    text[0] = 'X';
    unit_assert_span(kept, "ann\0bob");
    assert_int_equal(kept.p[7], '\0');
    struct span none = arena_keep(a, (struct span){NULL, 0});
    assert_int_equal(none.n, 0);
    assert_int_equal(none.p[0], '\0');
    assert_string_equal(arena_cstr(a, SPAN("words")), "words");
    unit_assert_span(arena_printf(a, "%s-%d", "a", 5), "a-5");
    unit_assert_span(arena_printf(a, "%s", ""), "");
    static const int widths[] = {511, 512, 513, 40000};
    for (size_t i = 0; i < UNIT_COUNT(widths); i++) {
        struct span s = arena_printf(a, "%*d", widths[i], 7);
        assert_int_equal(s.n, widths[i]);
        assert_int_equal(s.p[s.n - 1], '7');
        assert_int_equal(s.p[s.n], '\0');
    }
    arena_free(&a);
}

/* An idle session has a trimmed arena: it must be tiny. */
static void arena_is_small(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_true(malloc_usable_size(a) < 200);
    for (int i = 0; i < 1000; i++)
        arena_alloc(a, 1000);
    arena_trim(a);
    arena_free(&a);
}

#ifndef ARENA_DEBUG
/* Blocks are reused after a reset: the same work asks for no other memory. */
static void arena_reuses(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int i = 0; i < 100; i++)
        arena_alloc(a, 1000);
    arena_reset(a);
    char *first = arena_alloc(a, 100);
    char *second = arena_alloc(a, 100);
    assert_ptr_equal(second, first + 112);
    arena_reset(a);
    assert_ptr_equal(arena_alloc(a, 100), first);
    arena_free(&a);
}
#else
static void arena_reuses(void **state)
{
    (void)state;
    skip();
}
#endif

static void arena_asks_madly(void)
{
    struct arena *a = arena_new();
    arena_alloc(a, SIZE_MAX - 8);
}

static void arena_musts(void **state)
{
    (void)state;
    unit_assert_must(arena_asks_madly, "n <= SIZE_MAX / 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_keeps_apart), cmocka_unit_test(arena_copies),
        cmocka_unit_test(arena_is_small),    cmocka_unit_test(arena_reuses),
        cmocka_unit_test(arena_musts),       cmocka_unit_test(arena_fills_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
