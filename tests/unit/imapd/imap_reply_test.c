#include "imapd/imap_reply.h"

#include "tests/unit/unit.h"

/* Every kind of error has words for the client, and only success has no code. */
static void reply_no_holes(void **state)
{
    (void)state;
    for (enum err e = ERR_OK; e < ERR_COUNT; e++) {
        const char *code, *text;
        imap_reply_words(e, &code, &text);
        assert_non_null(text);
        assert_true(strlen(text) > 0);
        assert_int_equal(code == NULL, e == ERR_OK);
        for (const char *p = text; *p; p++)
            assert_true(*p >= ' ' && *p < 0x7f);
        for (const char *p = code; p && *p; p++)
            assert_true(*p >= 'A' && *p <= 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reply_no_holes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
