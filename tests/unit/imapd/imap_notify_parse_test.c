#include "imapd/imap_notify.h"

#include "tests/unit/unit.h"

#define PAIR (NOTIFY_NEW | NOTIFY_EXPUNGE)

static void notify_arguments(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *text;
        bool ok, none, status, bad_event;
        size_t n;
        unsigned events; /* of the first group */
    } rows[] = {
        {"NONE", true, true, false, false, 0, 0},
        {"none x", false, false, false, false, 0, 0},
        {"SET (selected NONE)", true, false, false, false, 1, 0},
        {"set status (personal (messagenew messageexpunge))", true, false, true, false, 1, PAIR},
        {"SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (inboxes NONE)", true, false, false, false, 2, PAIR | NOTIFY_FLAGS},
        {"SET (subtree Lists MessageNew MessageExpunge)", true, false, false, false, 1, PAIR},
        {"SET (mailboxes (a b) (MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))", true, false, false, false, 1,
         NOTIFY_NAME | NOTIFY_SUBSCRIPTION | NOTIFY_METADATA | NOTIFY_SERVER},
        {"SET (personal (AnnotationChange))", true, false, false, true, 1, 0},
        {"SET (personal (MessageNew))", false, false, false, false, 0, 0},
        {"SET (personal (FlagChange))", false, false, false, false, 0, 0},
        {"SET (personal (MessageNew (UID) MessageExpunge))", false, false, false, false, 0, 0},
        {"SET (selected (MailboxName))", false, false, false, false, 0, 0},
        {"SET (selected NONE) (selected-delayed NONE)", false, false, false, false, 0, 0},
        {"SET (subtree-one a (MailboxName))", false, false, false, false, 0, 0},
        {"SET STATUS", false, false, false, false, 0, 0},
        {"SET (personal (MailboxName)", false, false, false, false, 0, 0},
        {"", false, false, false, false, 0, 0},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *a = arena_new();
        struct scan in = scan_of(span_cstr(rows[i].text));
        struct imap_notify_groups g;
        imap_notify_parse(&in, a, false, &g);
        bool same = scan_ok(&in) == rows[i].ok;
        if (same && rows[i].ok)
            same = g.none == rows[i].none && g.status == rows[i].status &&
                   g.bad_event == rows[i].bad_event && g.n == rows[i].n &&
                   (g.n == 0 || g.list[0].events == rows[i].events);
        if (!same)
            fail_msg("row %zu: %s", i, rows[i].text);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notify_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
