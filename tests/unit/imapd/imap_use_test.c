#include "imapd/imap_use.h"

#include "store/mailbox.h"
#include "tests/unit/unit.h"

static void use_both_ways(void **state)
{
    (void)state;
    uint32_t bit, seen = 0;
    const char *name;
    for (unsigned i = 0; (name = imap_use_name(i, &bit)) != NULL; i++) {
        assert_int_equal(name[0], '\\');
        assert_int_equal(imap_use_named(span_cstr(name + 1)), bit);
        assert_false(seen & bit);
        seen |= bit;
    }
    assert_int_equal(seen, 2 * MAILBOX_SNOOZED - 1); /* all of them */
    assert_int_equal(imap_use_named(SPAN("sent")), MAILBOX_SENT);
    assert_int_equal(imap_use_named(SPAN("Sen")), 0);
    assert_int_equal(imap_use_named(SPAN("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(use_both_ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
