#include "imapd/imap_thread_links.h"

#include "tests/unit/unit.h"

static void test_loops(void **state)
{
    struct imap_thread_links l;
    (void)state;
    imap_thread_links_init(&l);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(imap_thread_links_node(&l), i);
    assert_false(imap_thread_links_join(&l, 1, 1));
    assert_true(imap_thread_links_join(&l, 2, 1));
    assert_true(imap_thread_links_join(&l, 3, 2));
    assert_false(imap_thread_links_join(&l, 1, 3));
    assert_int_equal(l.parent[1], 0);
    imap_thread_links_cut(&l, 2);
    imap_thread_links_cut(&l, 2);
    assert_int_equal(l.parent[2], 0);
    assert_true(imap_thread_links_join(&l, 1, 3));
    assert_false(imap_thread_links_join(&l, 2, 1));
    imap_thread_links_fini(&l);
}

/* Joins and cuts at random, held against walking up; long walks are asked for, so that the link-cut tree takes over. */
static void test_random(void **state)
{
    enum { NODES = 3000, TURNS = 60000 };
    struct imap_thread_links l;
    uint64_t x = 1;
    (void)state;
    imap_thread_links_init(&l);
    for (uint32_t i = 0; i < NODES; i++)
        (void)imap_thread_links_node(&l);
    for (uint32_t i = 2; i <= NODES; i++)
        assert_true(imap_thread_links_join(&l, i, i - 1));
    for (int i = 0; i < TURNS; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t child = (uint32_t)(x >> 33) % NODES + 1, parent = (uint32_t)(x >> 45) % NODES + 1;
        uint32_t top = parent;
        imap_thread_links_cut(&l, child);
        while (l.parent[top])
            top = l.parent[top];
        assert_int_equal(imap_thread_links_join(&l, child, parent), top != child);
        assert_int_equal(l.parent[child], top != child ? parent : 0);
        if (i % 1000 == 0)
            (void)imap_thread_links_node(&l); /* also while the tree is there */
    }
    assert_non_null(l.splay);
    imap_thread_links_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
