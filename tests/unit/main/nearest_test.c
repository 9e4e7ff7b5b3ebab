#include "main/nearest.h"
#include "../unit.h"

static void what_was_meant(void **state)
{
    (void)state; /* cmocka wants it */
    static const char *const names[] = {"hostname", "user", "message_bytes", "rcpt_count", "smtp"};
    static const struct {
        const char *word, *meant;
        unsigned distance;
    } cases[] = {
        {"hostname", "hostname", 0},
        {"HostName", "hostname", 0},
        {"hostnam", "hostname", 1},
        {"hosttname", "hostname", 1},
        {"hostmane", "hostname", 2},
        {"smpt", "smtp", 1}, /* two neighbours swapped: one step */
        {"usr", "user", 1},
        {"mesage_byte", "message_bytes", 2},
        {"colour", NULL, 0},
        {"x", NULL, 0},
        {"a_very_long_word_that_goes_on_and_on_beyond_what_is_compared_by_the_table_of_rows", NULL,
         0},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct nearest n;
        nearest_init(&n, cases[i].word);
        assert_null(nearest_found(&n));
        for (size_t k = 0; k < UNIT_COUNT(names); k++)
            nearest_try(&n, names[k]);
        if (!cases[i].meant) {
            assert_null(nearest_found(&n));
            continue;
        }
        assert_non_null(nearest_found(&n));
        assert_string_equal(nearest_found(&n), cases[i].meant);
        assert_int_equal(n.distance, cases[i].distance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_meant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
