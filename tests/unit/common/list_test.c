#include "common/list.h"

#include "tests/unit/unit.h"

struct list_item {
    int value;
    struct list_node node;
};

static int list_digits(struct list_node *l)
{
    int digits = 0;
    list_each (n, l)
        digits = digits * 10 + list_entry(n, struct list_item, node)->value;
    return digits;
}

static void list_links(void **state)
{
    (void)state;
    struct list_node l;
    struct list_item items[] = {{.value = 1}, {.value = 2}, {.value = 3}};
    list_init(&l);
    assert_true(list_empty(&l));
    assert_int_equal(list_digits(&l), 0);
    for (size_t i = 0; i < UNIT_COUNT(items); i++)
        list_add(&l, &items[i].node);
    assert_int_equal(list_digits(&l), 123);
    list_drop(&items[1].node);
    assert_int_equal(list_digits(&l), 13);
    list_drop(&items[0].node);
    list_add(&l, &items[0].node);
    list_drop(&items[1].node); /* twice: its old neighbours are left alone */
    assert_int_equal(list_digits(&l), 31);
    list_add(&l, &items[1].node);
    assert_int_equal(list_digits(&l), 312);
    list_each (n, &l)
        if (list_entry(n, struct list_item, node)->value == 3)
            list_drop(n);
    assert_int_equal(list_digits(&l), 12);
    list_each (n, &l)
        list_drop(n);
    assert_true(list_empty(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
