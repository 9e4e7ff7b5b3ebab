#include "imapd/imap_since.h"

#include "common/clock.h"
#include "store/changes.h"
#include "tests/unit/imapd/fake.h"
#include "tests/unit/store/unit_mail.h"

/* INBOX: 1 to 6 came, then 3 got a flag, then 2 and 5 went, then 7 came. */
static uint64_t came, flagged, gone, last;
static struct store *store;
static struct imapd_options options;
static struct imap_session *session;
static struct imap_view view;

static uint64_t modseq_now(struct txn *t)
{
    return unit_mailbox(t, unit_inbox).highestmodseq;
}

static void make(struct txn *t)
{
    for (int i = 0; i < 6; i++)
        (void)unit_append(t, unit_inbox, 0);
    came = modseq_now(t);
}

static void flag(struct txn *t)
{
    struct uidset one = {0}, changed = {0}, refused = {0};
    const struct flags_change seen = {.how = FLAGS_ADD, .wanted = {.system = FLAGS_SEEN}};
    uidset_add(&one, 3, 3);
    unit_ok(flags_store(t, unit_inbox, &one, &seen, &changed, &refused, f));
    uidset_fini(&one);
    uidset_fini(&changed);
    uidset_fini(&refused);
    flagged = modseq_now(t);
}

static void expunge(struct txn *t)
{
    struct uidset two = {0};
    uidset_add(&two, 2, 2);
    uidset_add(&two, 5, 5);
    unit_ok(msg_expunge(t, unit_inbox, &two, false, NULL, f));
    uidset_fini(&two);
    gone = modseq_now(t);
}

static void more(struct txn *t)
{
    (void)unit_append(t, unit_inbox, 0);
    last = modseq_now(t);
}

static void forget(struct txn *t)
{
    unsigned n = 1;
    while (n > 0)
        unit_ok(changes_expire(t, clock_wall() + 1, 1000, &n, f));
}

static void begin(void)
{
    store = unit_mail_open();
    unit_run(store, make);
    unit_run(store, flag);
    unit_run(store, expunge);
    unit_run(store, more);
    session = fake_begin();
    options = *session->options;
    options.store = store;
    session->options = &options;
    session->state = IMAP_AUTH;
    session->account = unit_account;
    session->enabled = IMAP_CONDSTORE | IMAP_QRESYNC;
    buf_reset(&fake.out);
    view = (struct imap_view){
        .session = session, .mailbox = unit_inbox, .watch = {.account = unit_account}};
}

static void end(void)
{
    uidset_fini(&view.uids);
    session->view = NULL;
    imapd_home_fini(session->home);
    imapd_home_init(session->home, session->service, fake_loop);
    fake_end();
    unit_mail_close(&store);
}

static void since(uint64_t modseq, bool whole, const char *changed, const char *went)
{
    struct imap_since x;
    struct fault f = FAULT_NONE;
    imap_since_init(&x, modseq);
    session->view = &view;
    while (!x.done)
        unit_assert_ok(imap_since_slice(&session->cmd, &x, &f), &f);
    assert_int_equal(x.whole, whole);
    if (!whole)
        unit_assert_uids(&x.changed, changed);
    unit_assert_uids(&x.gone, went);
    imap_since_fini(&x);
    session->view = NULL;
}

static void since_log(void **state)
{
    (void)state;
    begin();
    since(0, false, "1:7", "2,5");
    since(came, false, "3,7", "2,5");
    since(flagged, false, "7", "2,5");
    since(gone, false, "7", "");
    since(last, false, "", "");
    since(last + 5, false, "", "");
    since(UINT64_MAX, false, "", "");
    uidset_add(&view.uids, 5, 6); /* which the client still has to be told of */
    since(came, false, "3,7", "2");
    end();
}

/* The log has forgotten: every UID that is not there may have gone, every row may have changed. */
static void since_forgotten(void **state)
{
    (void)state;
    begin();
    unit_run(store, forget);
    since(came, true, "", "2,5");
    since(last - 1, true, "", "2,5");
    since(last, false, "", "");
    uidset_add(&view.uids, 5, 6);
    since(came, true, "", "2");
    end();
}

static struct span told(uint64_t modseq)
{
    char command[128];
    struct txn *t = unit_read(store);
    uint32_t uidvalidity = unit_mailbox(t, unit_inbox).uidvalidity;
    txn_read_end(&t);
    buf_reset(&fake.out);
    int n = snprintf(command, sizeof command, "t EXAMINE INBOX (QRESYNC (%u %llu))\r\n",
                     uidvalidity, (unsigned long long)modseq);
    fake_send(span_of(command, (size_t)n));
    while (session->running) /* the loop does not turn */
        imap_session_run(session, session->cmd.more(&session->cmd));
    return buf_span(&fake.out);
}

static void has(struct span all, const char *text, bool wanted)
{
    if (!!memmem(all.p, all.n, text, strlen(text)) != wanted)
        fail_msg("%s %s:\n%.*s", wanted ? "no" : "there is", text, SPAN_ARG(all));
}

/* What a client of QRESYNC is told is the same, log or no log: RFC 7162 §3.2.6 */
static void since_qresync(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 2; i++) {
        struct span all = told(came);
        has(all, "* VANISHED (EARLIER) 2,5\r\n", true);
        has(all, "UID 3 FLAGS (\\Seen", true);
        has(all, "UID 7 FLAGS (", true);
        has(all, "UID 1 FLAGS (", false);
        has(all, "UID 6 FLAGS (", false);
        has(all, "t OK [READ-ONLY]", true);
        all = told(last);
        has(all, "VANISHED", false);
        has(all, "FETCH", false);
        unit_run(store, forget);
    }
    imap_session_enter(session, IMAP_AUTH);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(since_log), unit_test_dir(since_forgotten),
                                       unit_test_dir(since_qresync)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
