#include "imapd/imap_sort_merge.h"

#include "tests/unit/unit.h"

/* By nothing but what the caller says: larger numbers first. */
static int backwards(void *arg, uint32_t a, uint32_t b)
{
    ++*(size_t *)arg;
    return a < b ? 1 : a > b ? -1 : 0;
}

static uint64_t chosen(const char *how, uint32_t i, size_t n)
{
    if (strcmp(how, "rising") == 0)
        return i;
    if (strcmp(how, "falling") == 0)
        return n - i;
    if (strcmp(how, "few") == 0)
        return i % 3;
    return (i * UINT64_C(2654435761)) % 1009;
}

static void sort(const char *how, size_t n, size_t steps, imap_sort_tie *tie)
{
    struct imap_sort_merge m;
    size_t asked = 0;
    imap_sort_merge_init(&m, n, tie, &asked);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = chosen(how, i, n);
        m.items[i] = (struct imap_sort_item){key / 4, key % 4, i};
    }
    while (!imap_sort_merge_step(&m, steps))
        ;
    assert_true(imap_sort_merge_step(&m, steps));
    for (size_t i = 1; i < n; i++) {
        const struct imap_sort_item *a = &m.items[i - 1], *b = &m.items[i];
        uint64_t x = a->key * 4 + a->more, y = b->key * 4 + b->more;
        assert_true(x < y || (x == y && (tie ? a->nth > b->nth : a->nth < b->nth)));
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += m.items[i].nth;
    assert_int_equal(sum, n * (n - (n > 0)) / 2);
    imap_sort_merge_fini(&m);
}

static void test_orders(void **state)
{
    static const char *const how[] = {"rising", "falling", "few", "mixed"};
    static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 16, 17, 100, 1000, 4097};
    (void)state;
    for (size_t h = 0; h < UNIT_COUNT(how); h++) {
        for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
            sort(how[h], sizes[i], 1, NULL);
            sort(how[h], sizes[i], 37, backwards);
            sort(how[h], sizes[i], 100000, backwards);
        }
    }
}

/* However much there is to do, a step does not do more than it is asked to (and a run of eight). */
static void test_steps(void **state)
{
    struct imap_sort_merge m;
    size_t asked = 0, most = 0;
    (void)state;
    imap_sort_merge_init(&m, 10000, backwards, &asked);
    for (uint32_t i = 0; i < 10000; i++)
        m.items[i] = (struct imap_sort_item){0, 0, i};
    for (bool done = false; !done;) {
        asked = 0;
        done = imap_sort_merge_step(&m, 64);
        most = asked > most ? asked : most;
    }
    assert_true(most < 64 * 5);
    imap_sort_merge_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
