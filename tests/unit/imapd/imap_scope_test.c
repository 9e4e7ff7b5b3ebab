#include "imapd/imap_scope.h"

#include "imapd/imap_session.h"
#include "tests/unit/store/unit_mail.h"

static const char *const names[] = {"a", "a/b", "a/b/c", "ab", "z"};

static void make_mailboxes(struct txn *t)
{
    uint64_t id;
    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        unit_ok(mailbox_create(t, unit_account, span_cstr(names[i]), 0, &id, f));
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("ab"), true, f));
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("not there"), true, f));
}

/* Every time it is asked, and it is asked often: as many slices as there can be. */
static bool at_once(void *arg)
{
    ++*(unsigned *)arg;
    return true;
}

/* "a,a/b" in the order in which they are given */
static void assert_found(struct store *st, const char *scopes_text, const char *expected)
{
    struct arena *a = arena_new();
    struct imap_session session = {.account = unit_account};
    struct scan s = scan_of(span_cstr(scopes_text));
    struct imap_scope scopes[8];
    struct mailbox *boxes = NULL;
    struct buf found;
    size_t n = 0, count = 0;
    unsigned slices = 0;
    bool done = false;
    do
        scopes[n++] = imap_scope_parse(&s, a, true);
    while (scan_try(&s, ' '));
    scan_end(&s, "more");
    assert_true(scan_ok(&s));
    struct imap_scope_reader *r = imap_scope_begin(&session, a, scopes, n);
    while (!done) {
        struct txn *t = unit_read(st);
        unit_ok(imap_scope_more(r, t, at_once, &slices, &done, &boxes, &count, f));
        txn_read_end(&t);
    }
    imap_scope_end(r);
    buf_init(&found, 1000);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_byte(&found, ',');
        buf_add(&found, boxes[i].name);
    }
    unit_assert_same(buf_span(&found), span_cstr(expected));
    buf_fini(&found);
    arena_free(&a);
}

static void scope_finds(void **state)
{
    (void)state;
    static const struct {
        const char *scopes, *found;
    } rows[] = {
        {"selected", ""},
        {"inboxes", "INBOX"},
        {"subscribed", "INBOX,Archive,Drafts,Junk,Sent,Trash,ab"},
        {"subtree a", "a,a/b,a/b/c"},
        {"SUBTREE-ONE (a nope)", "a,a/b"},
        {"mailboxes (z nope a z)", "z,a"},
        {"mailboxes z subtree a selected mailboxes a", "z,a,a/b,a/b/c"},
    };
    struct store *st = unit_mail_open();
    unit_run(st, make_mailboxes);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        assert_found(st, rows[i].scopes, rows[i].found);
    unit_mail_close(&st);
}

static void scope_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "nothing", "subtree", "mailboxes (a", "mailboxes ()", "subtree  a"};
    struct arena *a = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct scan s = scan_of(span_cstr(rows[i]));
        (void)imap_scope_parse(&s, a, true);
        if (scan_ok(&s))
            fail_msg("\"%s\" is taken", rows[i]);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(scope_finds), cmocka_unit_test(scope_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
