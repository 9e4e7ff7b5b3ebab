#include "common/mem.h"
#include "common/trip.h"

#include "tests/unit/unit.h"

#include <errno.h>

static void mem_gives(void **state)
{
    (void)state;
    char *p = mem_alloc(3);
    memcpy(p, "abc", 3);
    p = mem_grow(p, 100000);
    assert_memory_equal(p, "abc", 3);
    mem_free(p);
    p = mem_grow(NULL, 0);
    assert_non_null(p);
    p = mem_grow(p, 0);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
    long *zero = mem_new(long);
    assert_int_equal(*zero, 0);
    mem_free(zero);
    char *z = mem_strdup("words");
    assert_string_equal(z, "words");
    mem_free(z);
    void *empty[] = {mem_alloc(0), mem_zalloc(0), mem_try(0)};
    for (size_t i = 0; i < UNIT_COUNT(empty); i++) {
        assert_non_null(empty[i]);
        mem_free(empty[i]);
    }
}

static void mem_try_fails(void **state)
{
    (void)state;
    char *kept = mem_strdup("kept");
    trip_arm(TRIP_ALLOC, 1, 0, false);
    errno = 0;
    assert_null(mem_try(10));
    assert_int_equal(errno, ENOMEM);
    assert_true(trip_disarm());
    trip_arm(TRIP_ALLOC, 1, 0, false);
    errno = 0;
    assert_null(mem_try_grow(kept, 10));
    assert_int_equal(errno, ENOMEM);
    assert_string_equal(kept, "kept");
    kept = mem_try_grow(kept, 10); /* the second one works */
    assert_string_equal(kept, "kept");
    mem_free(kept);
    assert_true(trip_disarm());
}

static void mem_dies_alloc(void)
{
    trip_arm(TRIP_ALLOC, 2, 0, false);
    mem_free(mem_alloc(41));
    mem_free(mem_alloc(42));
}
static void mem_dies_zalloc(void)
{
    trip_arm(TRIP_ALLOC, 1, 0, false);
    mem_free(mem_zalloc(42));
}
static void mem_dies_grow(void)
{
    trip_arm(TRIP_ALLOC, 1, 0, false);
    mem_free(mem_grow(NULL, 42));
}
static void mem_dies_strdup(void)
{
    trip_arm(TRIP_ALLOC, 1, 0, false);
    mem_free(mem_strdup("12345678901234567890123456789012345678901"));
}

static void mem_exhausted_ends(void **state)
{
    (void)state;
    void (*const ways[])(void) = {mem_dies_alloc, mem_dies_zalloc, mem_dies_grow, mem_dies_strdup};
    for (size_t i = 0; i < UNIT_COUNT(ways); i++) {
        char text[1024];
        int status = unit_child(ways[i], text, sizeof text);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 75);
        assert_non_null(strstr(text, " error - mem.exhausted bytes=42\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mem_gives),
        cmocka_unit_test(mem_try_fails),
        cmocka_unit_test(mem_exhausted_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
