#include "auth/password.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    const char *password, *verifier;
} known[] = { /* imported from elsewhere: libxcrypt knows them all */
    {"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
    {"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
};
/* clang-format on */

static void round_trip(void **state)
{
    (void)state;
    struct password_work *w = password_work_new();
    struct fault f = FAULT_NONE;
    char one[PASSWORD_VERIFIER_BYTES], two[PASSWORD_VERIFIER_BYTES];
    assert_int_equal(password_make(w, SPAN("correct horse"), one, &f), ERR_OK);
    assert_int_equal(password_make(w, SPAN("correct horse"), two, &f), ERR_OK);
    assert_memory_equal(one, "$y$", 3);
    assert_string_not_equal(one, two);
    assert_true(password_verify(w, SPAN("correct horse"), span_cstr(one)));
    assert_false(password_verify(w, SPAN("correct hors"), span_cstr(one)));
    assert_false(password_verify(w, SPAN(""), span_cstr(one)));
    assert_false(password_verify(w, SPAN("correct horse\0x"), span_cstr(one)));
    password_work_free(&w);
}

static void imported(void **state)
{
    (void)state;
    struct password_work *w = password_work_new();
    for (size_t i = 0; i < UNIT_COUNT(known); i++) {
        assert_true(password_verify(w, span_cstr(known[i].password), span_cstr(known[i].verifier)));
        assert_false(password_verify(w, SPAN("other"), span_cstr(known[i].verifier)));
    }
    password_work_free(&w);
}

static void refuses(void **state)
{
    (void)state;
    static char long_one[PASSWORD_BYTES];
    memset(long_one, 'x', sizeof long_one);
    const struct span wrong[] = {{"", 0}, {"a\0b", 3}, {"\0", 1}, {long_one, sizeof long_one}};
    static const char *const verifiers[] = {"",    "*",   "!",          "x",
                                            "$y$", "$6$", "$9$abc$def", "plaintext"};
    struct password_work *w = password_work_new();
    char out[PASSWORD_VERIFIER_BYTES];
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
        struct fault f = FAULT_NONE;
        assert_int_equal(password_make(w, wrong[i], out, &f), ERR_INVALID);
    }
    for (size_t i = 0; i < UNIT_COUNT(verifiers); i++) {
        assert_false(password_verify(w, SPAN("x"), span_cstr(verifiers[i])));
        assert_false(password_verify(w, span_cstr(verifiers[i]), span_cstr(verifiers[i])));
    }
    password_work_free(&w);
}

/* Nobody's verifier has the parameters of those that are made now, so that it costs the same. */
static void nobody_costs_the_same(void **state)
{
    (void)state;
    struct password_work *w = password_work_new();
    struct fault f = FAULT_NONE;
    char made[PASSWORD_VERIFIER_BYTES];
    assert_int_equal(password_make(w, SPAN("x"), made, &f), ERR_OK);
    struct span nobody = password_nobody();
    size_t n = 3 + span_find(span_from(span_cstr(made), 3), '$') + 1; /* "$y$j9T$" */
    assert_true(nobody.n > n);
    assert_memory_equal(nobody.p, made, n);
    assert_int_equal(nobody.n, strlen(made));
    password_work_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(imported),
        cmocka_unit_test(refuses),
        cmocka_unit_test(nobody_costs_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
