#include "imapd/imap_language.h"

#include "tests/unit/unit.h"

#include "common/utf8.h"
#include "imapd/imap_session.h"

static void test_table(void **state)
{
    const char *english, *german, *before = "";
    size_t n = 0;
    (void)state;
    for (; imap_language_pair(n, &english, &german); n++) {
        if (strcmp(before, english) >= 0)
            fail_msg("\"%s\" stands behind \"%s\"", english, before);
        assert_true(german[0] != '\0' && utf8_valid(span_cstr(german)));
        assert_int_equal(english[0] == '[',
                         german[0] == '['); /* a response code stays what it is */
        before = english;
    }
    assert_true(n > 50);
}

static void test_text(void **state)
{
    struct imap_session s = {.cmd = {.arena = arena_new()}};
    (void)state;
    assert_string_equal(imap_language_text(&s, "Unknown command"), "Unknown command");
    s.language = 2;
    assert_string_equal(imap_language_text(&s, "Unknown command"), "Unbekannter Befehl");
    assert_string_equal(imap_language_text(&s, "NOOP completed"), "NOOP ausgef\xc3\xbchrt");
    assert_string_equal(imap_language_text(&s, " completed"), " completed");
    assert_string_equal(imap_language_text(&s, "What nobody has translated"),
                        "What nobody has translated");
    arena_free(&s.cmd.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
