#include "auth/plain.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    struct span in, user, password; /* user empty: refused */
} messages[] = {
    {{"\0ann\0pw", 7},        {"ann", 3}, {"pw", 2}},
    {{"ann\0ann\0pw", 10},    {"ann", 3}, {"pw", 2}},
    {{"\0ann\0", 5},          {"ann", 3}, {"", 0}},
    {{"\0\xc3\xa9\0p w", 7},  {"\xc3\xa9", 2}, {"p w", 3}},
    {{"bob\0ann\0pw", 10},    {"", 0}, {"", 0}}, /* acting for another: CVE-2023-27582 */
    {{"Ann\0ann\0pw", 10},    {"", 0}, {"", 0}},
    {{"\0ann\0pw\0", 8},      {"", 0}, {"", 0}},
    {{"\0ann\0p\0w", 8},      {"", 0}, {"", 0}},
    {{"\0\0pw", 4},           {"", 0}, {"", 0}},
    {{"ann\0pw", 6},          {"", 0}, {"", 0}},
    {{"\0", 1},               {"", 0}, {"", 0}},
    {{"", 0},                 {"", 0}, {"", 0}},
    {{"ann", 3},              {"", 0}, {"", 0}},
};
/* clang-format on */

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(messages); i++) {
        struct span user = {"", 0}, password = {"", 0};
        assert_int_equal(plain_parse(messages[i].in, &user, &password), messages[i].user.n > 0);
        unit_assert_same(user, messages[i].user);
        unit_assert_same(password, messages[i].password);
        assert_int_equal(plain_parse(messages[i].in, &user, &password), messages[i].user.n > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
