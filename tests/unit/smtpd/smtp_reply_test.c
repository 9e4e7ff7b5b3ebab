#include "smtpd/smtp_reply.h"

#include "tests/unit/unit.h"

static bool plain_text(const char *z)
{
    for (; *z; z++)
        if (*z < ' ' || *z > '~')
            return false;
    return true;
}

/* Every kind of error has a reply everywhere, and its two codes agree. */
static void no_holes(void **state)
{
    (void)state;
    for (unsigned e = 0; e < ERR_COUNT; e++) {
        for (unsigned to = 0; to < SMTP_REPLY_COUNT; to++) {
            const struct smtp_say *say = smtp_reply_for((enum err)e, (enum smtp_reply_to)to);
            assert_non_null(say->text);
            assert_true(strlen(say->text) > 0 && strlen(say->text) < 200 && plain_text(say->text));
            assert_non_null(say->enhanced);
            assert_int_equal(say->enhanced[0] - '0', say->code / 100);
            assert_int_equal(say->code / 100 == 2, e == ERR_OK);
        }
    }
}

/* What passes must not be answered with a permanent failure. */
static void passing_troubles(void **state)
{
    (void)state;
    static const enum err passing[] = {ERR_FULL, ERR_BUSY, ERR_IO, ERR_QUOTA};
    for (size_t i = 0; i < UNIT_COUNT(passing); i++)
        for (unsigned to = 0; to < SMTP_REPLY_COUNT; to++)
            assert_int_equal(smtp_reply_for(passing[i], (enum smtp_reply_to)to)->code / 100, 4);
}

/* RFC 4954 §6: nobody learns whether the user is there. */
static void auth_tells_nothing(void **state)
{
    (void)state;
    const struct smtp_say *wrong = smtp_reply_for(ERR_DENIED, SMTP_REPLY_AUTH);
    const struct smtp_say *nobody = smtp_reply_for(ERR_NOTFOUND, SMTP_REPLY_AUTH);
    assert_int_equal(wrong->code, 535);
    assert_int_equal(wrong->code, nobody->code);
    assert_string_equal(wrong->text, nobody->text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_holes),
        cmocka_unit_test(passing_troubles),
        cmocka_unit_test(auth_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
