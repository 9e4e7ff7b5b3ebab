#include "store/lock.h"

#include "tests/unit/store/unit_store.h"

static void lock_is_exclusive(void **state)
{
    (void)state;
    int first = -1, second = -1;
    struct fault f = FAULT_NONE;
    unit_assert_ok(lock_take(unit_dir, &first, &f), &f);
    assert_int_equal(lock_take(unit_dir, &second, &f), ERR_BUSY);
    assert_non_null(strstr(f.text, unit_dir));
    assert_int_equal(second, -1);
    lock_release(&first);
    assert_int_equal(first, -1);
    lock_release(&first);
    unit_assert_ok(lock_take(unit_dir, &second, &f), &f);
    lock_release(&second);
}

/* The kernel lets go when the process dies. */
static void lock_holder(void)
{
    int lock = -1;
    if (lock_take(unit_dir, &lock, NULL) != ERR_OK)
        _exit(1);
    kill(getpid(), SIGKILL);
}

static void lock_dies_with_its_process(void **state)
{
    (void)state;
    char text[256];
    int status = unit_child(lock_holder, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    int lock = -1;
    assert_int_equal(lock_take(unit_dir, &lock, NULL), ERR_OK);
    lock_release(&lock);
}

static void lock_makes_the_directory(void **state)
{
    (void)state;
    assert_int_equal(rmdir(unit_dir), 0);
    int lock = -1;
    assert_int_equal(lock_take(unit_dir, &lock, NULL), ERR_OK);
    assert_int_equal(access(unit_path("lock"), R_OK), 0);
    lock_release(&lock);
}

static void lock_refuses_what_is_no_directory(void **state)
{
    (void)state;
    int lock = -1;
    struct fault f = FAULT_NONE;
    assert_int_equal(lock_take("/dev/null", &lock, &f), ERR_IO);
    assert_int_equal(lock_take("/nonexistent/deep/down", &lock, &f), ERR_IO);
    assert_int_equal(lock, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(lock_is_exclusive),
        unit_test_dir(lock_dies_with_its_process),
        unit_test_dir(lock_makes_the_directory),
        unit_test_dir(lock_refuses_what_is_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
