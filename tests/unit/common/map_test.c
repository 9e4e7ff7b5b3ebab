#include "common/map.h"
#include "common/rand.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define MAP_MANY 5000

static struct span map_key_of(char key[32], int i)
{
    return span_of(key, (size_t)snprintf(key, 32, "user%d@example.org", i));
}

/* The first test: the key is drawn at the first use, here from a known seed. The figures are
 * SipHash-1-3 with the key 63cbe1e459320dd7 044c3cd7f43c661c. */
static void map_hashes(void **state)
{
    (void)state;
    rand_seed(7);
    assert_true(map_hash((struct span){NULL, 0}) == UINT64_C(0x1c2978874edbc7c6));
    assert_true(map_hash(SPAN("ann@example.org")) == UINT64_C(0x4b2bd1228e849592));
    rand_seed(8); /* the key stays */
    assert_true(map_hash(SPAN("")) == UINT64_C(0x1c2978874edbc7c6));
}

static void map_basics(void **state)
{
    (void)state;
    int one = 1, two = 2;
    struct map *m = map_new();
    assert_null(map_get(m, SPAN("a")));
    assert_null(map_take(m, SPAN("a")));
    char key[] = "a\0b";
    map_put(m, span_of(key, 3), &one);
    key[0] = 'x'; /* it was copied */
    assert_ptr_equal(map_get(m, SPAN("a\0b")), &one);
    assert_null(map_get(m, SPAN("a\0c")));
    assert_null(map_get(m, SPAN("a")));
    assert_null(map_get(m, SPAN("A\0b")));
    map_put(m, SPAN("a\0b"), &two);
    assert_ptr_equal(map_get(m, SPAN("a\0b")), &two);
    assert_int_equal(map_count(m), 1);
    map_put(m, (struct span){NULL, 0}, &one);
    assert_ptr_equal(map_get(m, SPAN("")), &one);
    assert_int_equal(map_count(m), 2);
    assert_ptr_equal(map_take(m, SPAN("a\0b")), &two);
    assert_null(map_take(m, SPAN("a\0b")));
    assert_int_equal(map_count(m), 1);
    map_free(&m);
    assert_null(m);
    map_free(&m);
}

static void map_visit(void *arg, struct span key, void *value)
{
    int *visits = arg;
    char expected[32];
    ptrdiff_t i = (int *)value - visits;
    assert_true(span_eq(key, map_key_of(expected, (int)i)));
    visits[i]++;
}

static void map_many(void **state)
{
    (void)state;
    static int visits[MAP_MANY];
    char key[32];
    struct map *m = map_new();
    map_each(m, map_visit, visits);
    for (int i = 0; i < MAP_MANY; i++)
        map_put(m, map_key_of(key, i), &visits[i]);
    assert_int_equal(map_count(m), MAP_MANY);
    for (int i = 0; i < MAP_MANY; i += 2)
        assert_ptr_equal(map_take(m, map_key_of(key, i)), &visits[i]);
    assert_int_equal(map_count(m), MAP_MANY / 2);
    for (int i = 0; i < MAP_MANY; i++)
        assert_ptr_equal(map_get(m, map_key_of(key, i)), i % 2 ? &visits[i] : NULL);
    map_each(m, map_visit, visits);
    for (int i = 0; i < MAP_MANY; i++)
        assert_int_equal(visits[i], i % 2);
    map_free(&m);
}

static void map_puts_null(void)
{
    map_put(map_new(), SPAN("a"), NULL);
}

static void map_musts(void **state)
{
    (void)state;
    unit_assert_must(map_puts_null, "what=\"value\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_hashes),
        cmocka_unit_test(map_basics),
        cmocka_unit_test(map_many),
        cmocka_unit_test(map_musts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
