#include "imapd/imap_sort_cache.h"

#include "tests/unit/unit.h"

#define COUNT 2000u

static const struct imap_sort_criteria by_date = {.list = {{IMAP_SORT_DATE, false}}, .n = 1};
static const struct imap_sort_criteria by_date_back = {.list = {{IMAP_SORT_DATE, true}}, .n = 1};
static const struct imap_sort_criteria by_two = {
    .list = {{IMAP_SORT_DATE, false}, {IMAP_SORT_SIZE, false}}, .n = 2};

static uint32_t order[COUNT], got[2 * COUNT];

/* 2, 4, 6, ... and then 1, 3, 5, ... */
static void fill(void)
{
    for (uint32_t i = 0; i < COUNT; i++)
        order[i] = i < COUNT / 2 ? 2 * i + 2 : 2 * (i - COUNT / 2) + 1;
}

static void test_parts(void **state)
{
    struct imap_sort_cache c;
    struct uidset some = {0};
    (void)state;
    fill();
    imap_sort_cache_init(&c);
    uidset_add(&some, 1, COUNT);
    assert_false(imap_sort_cache_get(&c, 7, &by_date, &some, got));
    imap_sort_cache_put(&c, 7, &by_date, order, COUNT);
    assert_true(imap_sort_cache_get(&c, 7, &by_date, &some, got));
    assert_memory_equal(got, order, sizeof order);
    assert_false(imap_sort_cache_get(&c, 8, &by_date, &some, got));
    assert_false(imap_sort_cache_get(&c, 7, &by_date_back, &some, got));
    assert_false(imap_sort_cache_get(&c, 7, &by_two, &some, got));
    uidset_remove(&some, 5, 8); /* a part */
    assert_true(imap_sort_cache_get(&c, 7, &by_date, &some, got));
    assert_int_equal(got[0], 2);
    assert_int_equal(got[1], 4);
    assert_int_equal(got[2], 10);
    uidset_add(&some, COUNT + 1, COUNT + 1); /* one that has come since */
    assert_false(imap_sort_cache_get(&c, 7, &by_date, &some, got));
    imap_sort_cache_put(&c, 7, &by_date, order, COUNT / 2); /* a part does not replace the whole */
    uidset_remove(&some, COUNT + 1, COUNT + 1);
    assert_true(imap_sort_cache_get(&c, 7, &by_date, &some, got));
    uidset_fini(&some);
    imap_sort_cache_fini(&c);
}

static void test_bound(void **state)
{
    struct imap_sort_cache c;
    struct uidset all = {0};
    struct imap_sort_criteria scored = by_date;
    (void)state;
    fill();
    imap_sort_cache_init(&c);
    uidset_add(&all, 1, COUNT);
    scored.relevancy = true;
    imap_sort_cache_put(&c, 1, &scored, order, COUNT);
    imap_sort_cache_put(&c, 1, &by_date, order, IMAP_SORT_CACHE_LEAST - 1);
    assert_int_equal(c.entries, 0);
    for (uint64_t box = 1; box <= 2 * IMAP_SORT_CACHE_ENTRIES / COUNT; box++) {
        imap_sort_cache_put(&c, box, &by_date, order, COUNT);
        assert_true(imap_sort_cache_get(&c, 1, &by_date, &all, got)); /* in use, so it stays */
        assert_true(c.entries <= IMAP_SORT_CACHE_ENTRIES);
    }
    assert_false(imap_sort_cache_get(&c, 2, &by_date, &all, got));
    uidset_fini(&all);
    imap_sort_cache_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
