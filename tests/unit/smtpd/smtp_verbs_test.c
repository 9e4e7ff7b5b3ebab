#include "smtpd/smtp_verbs.h"

#include "tests/unit/unit.h"

#include "common/sm.h"

static void sorted(void **state)
{
    (void)state;
    size_t n;
    const struct smtp_verb *verbs = smtp_verbs_table(&n);
    for (size_t i = 1; i < n; i++)
        assert_true(span_cmp_ci(span_cstr(verbs[i - 1].name), span_cstr(verbs[i].name)) < 0);
}

static void complete(void **state)
{
    (void)state;
    static const char *const wanted[] = {"AUTH", "BDAT", "DATA", "EHLO", "HELO",     "HELP", "MAIL",
                                         "NOOP", "QUIT", "RCPT", "RSET", "STARTTLS", "VRFY"};
    size_t n;
    const struct smtp_verb *verbs = smtp_verbs_table(&n);
    assert_int_equal(n, UNIT_COUNT(wanted));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(verbs[i].name, wanted[i]);
        assert_non_null(verbs[i].run);
        assert_true(verbs[i].states != 0);
        assert_false((verbs[i].flags & SMTP_VERB_NO_ARGS) &&
                     (verbs[i].flags & SMTP_VERB_NEEDS_ARGS));
    }
}

/* RFC 5321 §4.1.4: these are always allowed. And nothing is, once goodbye is said or while bytes are not commands. */
static void states(void **state)
{
    (void)state;
    static const char *const always[] = {"EHLO", "HELO", "HELP", "NOOP", "QUIT", "RSET", "VRFY"};
    static const unsigned open[] = {SMTP_GREET, SMTP_HELLO, SMTP_MAIL, SMTP_RCPT, SMTP_BDAT};
    size_t n;
    const struct smtp_verb *verbs = smtp_verbs_table(&n);
    for (size_t i = 0; i < n; i++) {
        assert_false(verbs[i].states & (SM_TO(SMTP_DATA) | SM_TO(SMTP_AUTH) | SM_TO(SMTP_BYE)));
        for (size_t k = 0; k < UNIT_COUNT(always); k++)
            for (size_t o = 0; o < UNIT_COUNT(open) && strcmp(always[k], verbs[i].name) == 0; o++)
                assert_true(verbs[i].states & SM_TO(open[o]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted),
        cmocka_unit_test(complete),
        cmocka_unit_test(states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
