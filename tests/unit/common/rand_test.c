#include "common/rand.h"

#include "tests/unit/unit.h"

#include <stdio.h>

/* Runs before anything seeds. */
static void rand_differs(void **state)
{
    (void)state;
    uint64_t seen[200];
    for (size_t i = 0; i < UNIT_COUNT(seen); i++) {
        seen[i] = rand_u64();
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
}

static void rand_fills(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 63, 64, 65, 255, 256, 257, 5000};
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        unsigned char bytes[5008], any[5000] = {0};
        for (int round = 0; round < 64; round++) { /* every byte changes at some time */
            memset(bytes, 0xa5, sizeof bytes);
            rand_bytes(bytes, sizes[i]);
            for (size_t at = 0; at < sizes[i]; at++)
                any[at] |= bytes[at] ^ 0xa5;
            for (size_t at = sizes[i]; at < sizes[i] + 8; at++)
                assert_int_equal(bytes[at], 0xa5);
        }
        for (size_t at = 0; at < sizes[i]; at++)
            assert_true(any[at] != 0);
    }
}

static void rand_tells(void)
{
    dprintf(STDERR_FILENO, "%016llx", (unsigned long long)rand_u64());
}

/* A child must not deal the bytes that its parent holds in stock. */
static void rand_forks(void **state)
{
    (void)state;
    rand_u64();
    char child[32], mine[32];
    unit_child(rand_tells, child, sizeof child);
    snprintf(mine, sizeof mine, "%016llx", (unsigned long long)rand_u64());
    assert_int_equal(strlen(child), 16);
    assert_string_not_equal(child, mine);
}

static void rand_is_below(void **state)
{
    (void)state;
    static const uint64_t limits[] = {
        1, 2, 3, 10, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    for (size_t i = 0; i < UNIT_COUNT(limits); i++)
        for (int round = 0; round < 200; round++)
            assert_true(rand_below(limits[i]) < limits[i]);
    unsigned seen = 0;
    for (int round = 0; round < 1000; round++)
        seen |= 1U << rand_below(10);
    assert_int_equal(seen, 0x3ff);
}

static void rand_below_nothing(void)
{
    rand_below(0);
}

static void rand_musts(void **state)
{
    (void)state;
    unit_assert_must(rand_below_nothing, "below != 0");
}

/* The last test: from here on chance is repeatable. The figures are SplitMix64's. */
static void rand_repeats(void **state)
{
    (void)state;
    rand_seed(7);
    uint64_t first = rand_u64(), second = rand_u64();
    assert_true(first == UINT64_C(0x63cbe1e459320dd7));
    assert_true(second == UINT64_C(0x044c3cd7f43c661c));
    char long_bytes[1000], again[1000];
    rand_bytes(long_bytes, sizeof long_bytes);
    rand_seed(7);
    assert_true(rand_u64() == first && rand_u64() == second);
    rand_bytes(again, sizeof again);
    assert_memory_equal(long_bytes, again, sizeof again);
    rand_seed(8);
    assert_true(rand_u64() != first);
    rand_fills(state);
    rand_is_below(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rand_differs), cmocka_unit_test(rand_fills),
        cmocka_unit_test(rand_forks),   cmocka_unit_test(rand_is_below),
        cmocka_unit_test(rand_musts),   cmocka_unit_test(rand_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
