#include "imapd/imap_condstore.h"

#include "tests/unit/imapd/fake.h"

static struct imap_view view;
static struct imap_session *session;

static int begin(void **state)
{
    (void)state;
    session = fake_begin();
    buf_reset(&fake.out);
    view = (struct imap_view){.session = session, .modseq = 12, .told_modseq = 7};
    session->cmd.tag = SPAN("t");
    return 0;
}

static int end(void **state)
{
    (void)state;
    session->view = NULL;
    fake_end();
    return 0;
}

static void said(const char *what)
{
    unit_assert_same(buf_span(&fake.out), span_cstr(what));
    buf_reset(&fake.out);
}

/* RFC 7162 §3.1: once, and only where a mailbox is selected; what the client knows, not what there is */
static void condstore_turns_on(void **state)
{
    (void)state;
    imap_condstore_on(session);
    said("");
    assert_int_equal(session->enabled, IMAP_CONDSTORE);
    session->enabled = IMAP_REV2;
    session->view = &view;
    imap_condstore_on(session);
    said("* OK [HIGHESTMODSEQ 7] Highest\r\n");
    assert_int_equal(session->enabled, IMAP_REV2 | IMAP_CONDSTORE);
    imap_condstore_on(session);
    said("");
}

/* RFC 7162 §3.2.7: only with QRESYNC, and only if a message went */
static void condstore_replies(void **state)
{
    (void)state;
    static const struct {
        unsigned enabled;
        bool went;
        const char *says;
    } rows[] = {
        {0, true, "t OK gone\r\n"},
        {IMAP_CONDSTORE, true, "t OK gone\r\n"},
        {IMAP_CONDSTORE | IMAP_QRESYNC, false, "t OK gone\r\n"},
        {IMAP_CONDSTORE | IMAP_QRESYNC, true, "t OK [HIGHESTMODSEQ 12] gone\r\n"},
    };
    session->view = &view;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        session->enabled = rows[i].enabled;
        assert_int_equal(imap_condstore_reply(&session->cmd, rows[i].went, "gone"), STEP_DONE);
        said(rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(condstore_turns_on, begin, end),
        cmocka_unit_test_setup_teardown(condstore_replies, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
