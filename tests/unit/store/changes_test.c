#include "store/changes.h"

#include "tests/unit/store/unit_mail.h"

/* --- the log --- */

struct told {
    char text[4096];
};

static void tell(void *arg, const struct change *c, const struct uidset *uids)
{
    static const char *const kinds[] = {"", "+", "f", "-", "NEW", "GONE", "NAMED"};
    struct told *told = arg;
    struct buf b;
    size_t n = strlen(told->text);
    buf_init(&b, 1000);
    assert_true(uidset_text(uids, &b));
    (void)snprintf(told->text + n, sizeof told->text - n, "%s%s%.*s", n ? " " : "", kinds[c->kind],
                   SPAN_ARG(buf_span(&b)));
    assert_int_equal(c->by.kind, ACTOR_IMAP);
    assert_string_equal(c->by.session.text, "unit");
    buf_fini(&b);
}

static void assert_since(struct txn *t, uint64_t mailbox, uint64_t since, const char *expected)
{
    struct told told = {""};
    unit_ok(changes_since(t, unit_account, mailbox, since, tell, &told, f));
    assert_string_equal(told.text, expected);
}

/* In helpings of two rows: never half an operation. */
static void assert_since_some(struct txn *t, uint64_t mailbox, uint64_t since, unsigned helpings,
                              const char *expected)
{
    struct told told = {""};
    bool done = false;
    unsigned n = 0;
    for (uint64_t before = since; !done; before = since, n++) {
        unit_ok(changes_since_some(t, unit_account, mailbox, &since, 2, &done, tell, &told, f));
        assert_true(done || since > before);
    }
    assert_int_equal(n, helpings);
    assert_string_equal(told.text, expected);
}

static uint64_t begun;

static void log_first(struct txn *t)
{
    struct uidset uids = {0}, changed = {0}, modified = {0};
    struct flags_change c = {.how = FLAGS_ADD, .wanted = {FLAGS_SEEN, NULL, 0}};
    begun = unit_mailbox(t, unit_inbox).highestmodseq;
    for (int i = 0; i < 3; i++)
        (void)unit_append(t, unit_inbox, 0);
    uidset_add(&uids, 1, 3);
    unit_ok(flags_store(t, unit_inbox, &uids, &c, &changed, &modified, f));
    uidset_remove(&uids, 2, 2);
    unit_ok(msg_expunge(t, unit_inbox, &uids, false, NULL, f));
    uidset_fini(&uids);
    uidset_fini(&changed);
    uidset_fini(&modified);
}

static void log_second(struct txn *t)
{
    uint64_t id;
    unit_ok(mailbox_create(t, unit_account, SPAN("x"), 0, &id, f));
    unit_ok(msg_copy(t, unit_inbox, NULL, id, NULL, NULL, f));
    unit_ok(mailbox_rename(t, unit_account, SPAN("x"), SPAN("y"), f));
}

static void log_read(struct txn *t)
{
    uint64_t y = unit_box(t, "y"), modseq = unit_mailbox(t, unit_inbox).highestmodseq;
    assert_since(t, unit_inbox, begun, "+1:3 f1:3 -1,3");
    assert_since(t, unit_inbox, modseq, "");
    assert_since(t, y, 0, "+1 NEW NAMED");
    assert_since(t, 0, begun, "+1:3 f1:3 -1,3 +1 NEW NAMED");
    assert_since(t, 0, modseq, "+1 NEW NAMED");
    assert_since(t, 0, UINT64_MAX, "");
    assert_since(t, unit_inbox, 0, "NEW +1:3 f1:3 -1,3");
    /* two operations of three rows each; before them one of six */
    assert_since_some(t, 0, begun, 2, "+1:3 f1:3 -1,3 +1 NEW NAMED");
    assert_since_some(t, unit_inbox, 0, 3, "NEW +1:3 f1:3 -1,3");
    assert_since_some(t, 0, modseq, 1, "+1 NEW NAMED");
    assert_since_some(t, 0, UINT64_MAX, 1, "");
}

static void forget_run(struct txn *t)
{
    unsigned gone;
    uint64_t modseq = unit_mailbox(t, unit_inbox).highestmodseq;
    unit_ok(changes_expire(t, clock_wall(), 100, &gone, f));
    assert_int_equal(gone, 0);
    unit_ok(changes_expire(t, clock_wall() + 60, 6, &gone,
                           f)); /* the first operation made six mailboxes and subscribed to them */
    assert_int_equal(gone, 6);
    struct told told = {""};
    unit_err(changes_since(t, unit_account, 0, begun - 1, tell, &told, f), ERR_LIMIT);
    unit_ok(changes_since(t, unit_account, 0, begun, tell, &told, f));
    unit_ok(changes_expire(t, clock_wall() + 60, 5, &gone,
                           f)); /* NEW, and log_first's: its last is log_second's first */
    assert_int_equal(gone, 5);
    unit_err(changes_since(t, unit_account, unit_inbox, modseq - 1, tell, &told, f), ERR_LIMIT);
    unit_ok(changes_expire(t, clock_wall() + 60, 100, &gone, f));
    assert_int_equal(gone, 2);
    unit_ok(changes_expire(t, clock_wall() + 60, 100, &gone, f));
    assert_int_equal(gone, 0);
    unit_err(changes_since(t, unit_account, unit_inbox, modseq, tell, &told, f), ERR_LIMIT);
}

static void changes_log(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {log_first, log_second, log_read, forget_run};
    clock_freeze(1700000000);
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
    clock_thaw();
}

/* --- watchers --- */

static struct unit_box homes[2] = {UNIT_BOX, UNIT_BOX};

struct watcher {
    struct changes_watch watch;
    unsigned noted, modified;
    bool leaves;
    unsigned long last_mailbox;
};

static void note(struct changes_watch *w, const struct change *c)
{
    struct watcher *me = (struct watcher *)(void *)w;
    me->noted++;
    me->last_mailbox = c->mailbox;
    if (me->leaves)
        changes_unwatch(w);
}

static void one_mail(struct txn *t)
{
    (void)unit_append(t, unit_inbox, 0);
    (void)unit_append(t, unit_box(t, "Sent"), 0);
}

static void changes_watchers(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct post *posts[2] = {&homes[0].post, &homes[1].post};
    store_homes(st, posts, 2);
    unit_run(st, unit_account_make);
    unsigned home = store_home(st, unit_account);
    unit_box_run(&homes[home]); /* nobody watches */
    struct watcher all = {.watch = {.note = note}}, inbox = all, leaver = all, other = all;
    all.watch.account = inbox.watch.account = leaver.watch.account = unit_account;
    inbox.watch.mailbox = unit_inbox;
    leaver.leaves = true;
    other.watch.account = unit_account + 2 * UINT64_C(1000);
    changes_unwatch(&all.watch); /* not watching: no effect */
    changes_watch(st, &leaver.watch);
    changes_watch(st, &all.watch);
    changes_watch(st, &inbox.watch);
    if (store_home(st, other.watch.account) == home)
        changes_watch(st, &other.watch);
    unit_run(st, one_mail);
    assert_int_equal(all.noted, 0); /* only on its home */
    unit_box_run(&homes[home]);
    assert_int_equal(all.noted, 2);
    assert_int_equal(inbox.noted, 1);
    assert_int_equal(inbox.last_mailbox, unit_inbox);
    assert_int_equal(leaver.noted, 1);
    assert_int_equal(other.noted, 0);
    changes_unwatch(&all.watch);
    changes_unwatch(&all.watch);
    inbox.leaves = true; /* the last one leaves while being told */
    unit_run(st, one_mail);
    unit_box_run(&homes[home]);
    assert_int_equal(all.noted, 2);
    assert_int_equal(inbox.noted, 2);
    unit_run(st, one_mail);
    unit_box_run(&homes[home]);
    assert_int_equal(inbox.noted, 2);
    changes_unwatch(&other.watch);
    unit_mail_close(&st);
}

/* A watcher at another home is told there, by way of the account's, and only as long as it watches. */
static void changes_watchers_abroad(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct post *posts[2] = {&homes[0].post, &homes[1].post};
    store_homes(st, posts, 2);
    unit_run(st, unit_account_make);
    unsigned home = store_home(st, unit_account), there = 1 - home;
    unit_box_run(&homes[home]);
    struct watcher far = {.watch = {.account = unit_account, .note = note}}, second = far,
                   near = far;
    while (store_home(st, far.watch.by = far.watch.by + 1) != there)
        ;
    second.watch.by = far.watch.by;
    second.watch.mailbox = unit_inbox;
    changes_watch(st, &far.watch);
    changes_watch(st, &second.watch);
    changes_watch(st, &near.watch);
    unit_run(st, one_mail);
    assert_int_equal(far.noted, 0);
    unit_box_run(&homes[home]); /* which passes on */
    assert_int_equal(near.noted, 2);
    assert_int_equal(far.noted, 0);
    unit_box_run(&homes[there]);
    assert_int_equal(far.noted, 2);
    assert_int_equal(second.noted, 1);
    changes_unwatch(&far.watch);
    second.leaves = true;
    unit_run(st, one_mail);
    unit_box_run(&homes[home]);
    unit_box_run(&homes[there]);
    assert_int_equal(far.noted, 2);
    assert_int_equal(second.noted, 2);
    unit_run(st, one_mail);
    unit_box_run(&homes[home]);
    assert_null(homes[there].first); /* nothing has come */
    assert_int_equal(near.noted, 6);
    changes_unwatch(&near.watch);
    unit_mail_close(&st);
}

static void changes_without_homes(void **state)
{
    (void)state;
    struct watcher w = {.watch = {.note = note}};
    struct store *st = unit_mail_open();
    w.watch.account = unit_account;
    changes_watch(st, &w.watch);
    unit_run(st, one_mail);
    changes_unwatch(&w.watch);
    assert_int_equal(w.noted, 0);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(changes_log),
        unit_test_dir(changes_watchers),
        unit_test_dir(changes_watchers_abroad),
        unit_test_dir(changes_without_homes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
