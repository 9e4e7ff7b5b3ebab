#include "store/directory.h"

#include "store/bin.h"
#include "store/changes.h"
#include "tests/unit/store/unit_mail.h"

static struct arena *arena;

struct listing {
    char text[4096];
};

static void list(struct listing *l, struct span s)
{
    size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%s%.*s", n ? " " : "", SPAN_ARG(s));
}

static bool list_domain(void *arg, struct span domain)
{
    list(arg, domain);
    return true;
}

static bool list_account(void *arg, const struct account *a)
{
    list(arg, a->address);
    return true;
}

static bool list_alias(void *arg, struct span key, const struct span *targets, size_t n)
{
    list(arg, key);
    for (size_t i = 0; i < n; i++)
        list(arg, targets[i]);
    return strlen(((struct listing *)arg)->text) < 60;
}

static void domains_run(struct txn *t)
{
    static char too_long[1001];
    memset(too_long, 'x', sizeof too_long);
    struct listing l = {""};
    struct span target = SPAN("ann@b.example");
    unit_err(directory_domain_find(t, SPAN("a.example"), f), ERR_NOTFOUND);
    unit_ok(directory_domain_add(t, SPAN("b.example"), f));
    unit_ok(directory_domain_add(t, SPAN("a.example"), f));
    unit_err(directory_domain_add(t, SPAN("a.example"), f), ERR_EXISTS);
    unit_err(directory_domain_add(t, span_of(too_long, sizeof too_long), f), ERR_INVALID);
    unit_err(directory_domain_find(t, span_of(too_long, sizeof too_long), f), ERR_NOTFOUND);
    unit_err(directory_domain_add(t, SPAN(""), f), ERR_INVALID);
    unit_ok(directory_domain_find(t, SPAN("a.example"), f));
    unit_ok(directory_each_domain(t, list_domain, &l, f));
    assert_string_equal(l.text, "a.example b.example");
    unit_err(directory_domain_remove(t, SPAN("c.example"), f), ERR_NOTFOUND);
    unit_ok(directory_alias_put(t, SPAN("@a.example"), &target, 1, f));
    unit_err(directory_domain_remove(t, SPAN("a.example"), f), ERR_INVALID);
    unit_ok(directory_alias_remove(t, SPAN("@a.example"), f));
    unit_ok(directory_account_add(t, SPAN("x@y.a.example"), SPAN(""), NULL,
                                  f)); /* another domain that ends alike */
    unit_ok(directory_domain_remove(t, SPAN("a.example"), f));
    unit_ok(directory_account_add(t, SPAN("x@b.example"), SPAN(""), NULL, f));
    unit_err(directory_domain_remove(t, SPAN("b.example"), f), ERR_INVALID);
}

static void accounts_run(struct txn *t)
{
    struct listing l = {""};
    struct account a;
    uint64_t id;
    unit_ok(directory_account_find(t, arena, SPAN("ann@example.org"), &a, f));
    assert_int_equal(a.id, unit_account);
    unit_assert_span(a.verifier, "secret");
    unit_err(directory_account_add(t, SPAN("ann@example.org"), SPAN("x"), &id, f), ERR_EXISTS);
    unit_ok(directory_account_verifier(t, SPAN("ann@example.org"), SPAN("new"), f));
    unit_ok(directory_account_get(t, arena, unit_account, &a, f));
    unit_assert_span(a.verifier, "new");
    unit_assert_span(a.address, "ann@example.org");
    unit_err(directory_account_verifier(t, SPAN("eve@example.org"), SPAN("new"), f), ERR_NOTFOUND);
    unit_err(directory_account_get(t, arena, 4711, &a, f), ERR_NOTFOUND);
    unit_err(directory_account_find(t, arena, SPAN(""), &a, f), ERR_NOTFOUND);
    unit_ok(directory_each_account(t, arena, list_account, &l, f));
    assert_string_equal(l.text, "ann@example.org x@b.example x@y.a.example");
}

static void aliases_run(struct txn *t)
{
    struct listing l = {""};
    struct span two[] = {SPAN("ann@example.org"), SPAN("bob@example.net")}, *got, empty = SPAN("");
    size_t n;
    unit_err(directory_alias_find(t, arena, SPAN("info@example.org"), &got, &n, f), ERR_NOTFOUND);
    unit_ok(directory_alias_put(t, SPAN("info@example.org"), two, 2, f));
    unit_ok(directory_alias_put(t, SPAN("@example.org"), two + 1, 1, f));
    unit_ok(directory_alias_find(t, arena, SPAN("info@example.org"), &got, &n, f));
    assert_int_equal(n, 2);
    unit_assert_span(got[1], "bob@example.net");
    unit_ok(directory_alias_put(t, SPAN("info@example.org"), two, 1, f)); /* replaces */
    unit_ok(directory_alias_find(t, arena, SPAN("info@example.org"), &got, &n, f));
    assert_int_equal(n, 1);
    unit_err(directory_alias_put(t, SPAN("x@example.org"), two, 0, f), ERR_INVALID);
    unit_err(directory_alias_put(t, SPAN("x@example.org"), &empty, 1, f), ERR_INVALID);
    unit_ok(directory_each_alias(t, arena, list_alias, &l, f));
    assert_string_equal(l.text, "@example.org bob@example.net info@example.org ann@example.org");
    unit_ok(directory_alias_remove(t, SPAN("info@example.org"), f));
    unit_err(directory_alias_remove(t, SPAN("info@example.org"), f), ERR_NOTFOUND);
    unit_ok(directory_alias_remove(t, SPAN("@example.org"), f));
    unit_ok(directory_alias_put(t, SPAN("@b.example"), two, 2, f)); /* for the check to see */
}

static void directory_all(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {domains_run, accounts_run, aliases_run};
    arena = arena_new();
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
    arena_free(&arena);
}

/* --- an account goes, in slices --- */

static unsigned slices;
static bool done;

static void leave_fill(struct txn *t)
{
    uint64_t bob;
    struct mailbox box;
    for (int i = 0; i < 7; i++)
        (void)unit_append(t, i < 4 ? unit_inbox : unit_box(t, "Sent"), 0);
    struct uidset uids = {0};
    uidset_add(&uids, 1, 2);
    unit_ok(msg_expunge(t, unit_inbox, &uids, false, NULL, f));
    uidset_fini(&uids);
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("gone"), true, f));
    unit_ok(directory_account_add(t, SPAN("bob@example.org"), SPAN("b"), &bob, f));
    unit_ok(mailbox_find(t, NULL, bob, SPAN("INBOX"), &box, f));
    (void)unit_append(t, box.id, 0);
}

static void leave_slice(struct txn *t)
{
    unit_ok(directory_account_remove(t, SPAN("ann@example.org"), 3, &done, f));
    slices++;
}

static void leave_over(struct txn *t)
{
    struct account a;
    struct listing l = {""};
    struct mailbox box;
    unit_err(directory_account_find(t, arena, SPAN("ann@example.org"), &a, f), ERR_NOTFOUND);
    unit_err(directory_account_get(t, arena, unit_account, &a, f), ERR_NOTFOUND);
    unit_err(mailbox_find(t, arena, unit_account, SPAN("INBOX"), &box, f), ERR_NOTFOUND);
    unit_err(directory_account_remove(t, SPAN("ann@example.org"), 3, &done, f), ERR_NOTFOUND);
    unit_ok(directory_each_account(t, arena, list_account, &l, f));
    assert_string_equal(l.text, "bob@example.org");
    unit_ok(directory_account_find(t, arena, SPAN("bob@example.org"), &a, f));
    unit_ok(mailbox_find(t, arena, a.id, SPAN("INBOX"), &box, f));
    assert_int_equal(box.messages, 1);
    uint64_t again;
    unit_ok(directory_account_add(t, SPAN("ann@example.org"), SPAN(""), &again, f));
    assert_true(again != unit_account);
}

static void directory_account_goes(void **state)
{
    (void)state;
    arena = arena_new();
    struct store *st = unit_mail_open();
    unit_run(st, leave_fill);
    for (done = false, slices = 0; !done;) {
        unit_run(st, leave_slice);
        unit_check_clean(st);
        assert_true(slices < 30);
    }
    assert_true(slices >= 3);
    unit_run(st, leave_over);
    unit_mail_close(&st);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(directory_all),
        unit_test_dir(directory_account_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
