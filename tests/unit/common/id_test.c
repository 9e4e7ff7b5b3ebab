#include "common/id.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdlib.h>

#define ID_THREADS 4
#define ID_PER_THREAD 2000

static struct id id_made[ID_THREADS * ID_PER_THREAD];

static void *id_make_many(void *arg)
{
    struct id *ids = arg;
    for (int i = 0; i < ID_PER_THREAD; i++)
        ids[i] = id_new();
    return NULL;
}

static int id_compare(const void *a, const void *b)
{
    return strcmp(((const struct id *)a)->text, ((const struct id *)b)->text);
}

static void id_is_unique(void **state)
{
    (void)state;
    pthread_t threads[ID_THREADS];
    for (int i = 0; i < ID_THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, id_make_many, id_made + i * ID_PER_THREAD), 0);
    for (int i = 0; i < ID_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < UNIT_COUNT(id_made); i++) {
        assert_int_equal(strlen(id_made[i].text), 13);
        assert_int_equal(strspn(id_made[i].text, "0123456789abcdefghjkmnpqrstvwxyz"), 13);
    }
    qsort(id_made, UNIT_COUNT(id_made), sizeof *id_made, id_compare);
    for (size_t i = 1; i < UNIT_COUNT(id_made); i++)
        assert_string_not_equal(id_made[i - 1].text, id_made[i].text);
}

static void id_sorts_by_age(void **state)
{
    (void)state;
    struct id older = id_new();
    for (int i = 0; i < 100; i++) {
        struct id newer = id_new();
        assert_true(strcmp(older.text, newer.text) < 0);
        older = newer;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_is_unique),
        cmocka_unit_test(id_sorts_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
