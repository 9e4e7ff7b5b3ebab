#include "store/mailbox.h"

#include "tests/unit/store/unit_mail.h"

/* --- names --- */

static void mailbox_names(void **state)
{
    (void)state;
    static char deep[131], long_name[1002];
    memset(long_name, 'x', 1001);
    for (int i = 0; i < 130; i++)
        deep[i] = i % 2 ? '/' : 'a';
    deep[129] = '\0';
    struct {
        const char *name, *canonical; /* NULL: refused */
    } cases[] = {
        {"INBOX", "INBOX"}, {"inbox", "INBOX"},
        {"InBoX", "INBOX"}, {"Sent", "Sent"},
        {"a/b/c", "a/b/c"}, {"Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe"},
        {"a b", "a b"},     {"~peter", "~peter"},
        {"&", "&"},         {"", NULL},
        {"/a", NULL},       {"a/", NULL},
        {"a//b", NULL},     {"/", NULL},
        {"a*", NULL},       {"a%b", NULL},
        {"a\nb", NULL},     {"a\x7f", NULL},
        {"\xc2\x85", NULL}, {"\xe2\x80\xa8", NULL},
        {"\xff", NULL},     {"a\xc3", NULL},
        {deep, NULL},       {deep + 2, deep + 2},
        {long_name, NULL},  {long_name + 1, long_name + 1},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct span out = SPAN("untouched");
        struct fault f = FAULT_NONE;
        enum err e = mailbox_name_check(span_cstr(cases[i].name), &out, &f);
        assert_int_equal(e, cases[i].canonical ? ERR_OK : ERR_INVALID);
        unit_assert_same(out,
                         cases[i].canonical ? span_cstr(cases[i].canonical) : SPAN("untouched"));
    }
    struct span out;
    assert_int_equal(mailbox_name_check(SPAN("a\0b"), &out, NULL), ERR_INVALID);
}

/* --- making, finding, listing --- */

struct listing {
    char text[4096];
    int stop;
};

static bool list_one(void *arg, const struct mailbox *box)
{
    struct listing *l = arg;
    size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%s%.*s", n ? " " : "", SPAN_ARG(box->name));
    return --l->stop != 0;
}

static void assert_list(struct txn *t, const char *from, int stop, const char *expected)
{
    struct listing l = {"", stop};
    struct arena *a = arena_new();
    unit_ok(mailbox_each(t, a, unit_account, span_cstr(from), list_one, &l, f));
    assert_string_equal(l.text, expected);
    arena_free(&a);
}

static bool list_subscription(void *arg, struct span name)
{
    struct mailbox box = {.name = name};
    return list_one(arg, &box);
}

static void assert_subscribed(struct txn *t, const char *expected)
{
    struct listing l = {"", 0};
    unit_ok(mailbox_each_subscription(t, unit_account, SPAN(""), list_subscription, &l, f));
    assert_string_equal(l.text, expected);
}

static void create_run(struct txn *t)
{
    uint64_t id = 0;
    assert_list(t, "", 0, "Archive Drafts INBOX Junk Sent Trash");
    assert_subscribed(t, "Archive Drafts INBOX Junk Sent Trash");
    unit_ok(mailbox_create(t, unit_account, SPAN("a/b/c"), MAILBOX_ALL, &id, f));
    assert_list(t, "a", 0, "a a/b a/b/c");
    assert_list(t, "", 2, "Archive Drafts");
    unit_err(mailbox_create(t, unit_account, SPAN("a/b"), 0, NULL, f), ERR_EXISTS);
    unit_err(mailbox_create(t, unit_account, SPAN("inbox"), 0, NULL, f), ERR_EXISTS);
    unit_err(mailbox_create(t, unit_account, SPAN("a//b"), 0, NULL, f), ERR_INVALID);
    unit_ok(mailbox_create(t, unit_account, SPAN("Inbox/x"), 0, NULL, f));
    assert_list(t, "INBOX", 2, "INBOX INBOX/x");
    assert_int_equal(unit_box(t, "iNBOX/x"), unit_box(t, "INBOX/x"));
    struct mailbox box;
    struct arena *a = arena_new();
    unit_ok(mailbox_find(t, a, unit_account, SPAN("a/b/c"), &box, f));
    assert_int_equal(box.id, id);
    assert_int_equal(box.account, unit_account);
    unit_assert_span(box.name, "a/b/c");
    assert_int_equal(box.uidnext, 1);
    assert_true(box.uidvalidity > 0 && box.highestmodseq > 0);
    assert_int_equal(box.uses, MAILBOX_ALL);
    unit_err(mailbox_find(t, a, unit_account, SPAN("a/b/c/d"), &box, f), ERR_NOTFOUND);
    unit_err(mailbox_find(t, a, unit_account + 99, SPAN("INBOX"), &box, f), ERR_NOTFOUND);
    unit_err(mailbox_get(t, a, 999, &box, f), ERR_NOTFOUND);
    arena_free(&a);
}

static void mailbox_create_and_list(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, create_run);
    unit_mail_close(&st);
}

/* --- deleting: R4 --- */

static uint32_t old_validity;

static void delete_run(struct txn *t)
{
    uint64_t id;
    struct mailbox box;
    unit_ok(mailbox_create(t, unit_account, SPAN("x/y"), 0, &id, f));
    struct span keyword = SPAN("$Later");
    (void)unit_append_with(t, id, FLAGS_SEEN, &keyword, 1);
    old_validity = unit_mailbox(t, id).uidvalidity;
    unit_ok(mailbox_delete(t, unit_account, SPAN("x"), f));
    assert_list(t, "x", 0, "x/y");
    unit_ok(mailbox_delete(t, unit_account, SPAN("x/y"), f));
    unit_err(mailbox_delete(t, unit_account, SPAN("x/y"), f), ERR_NOTFOUND);
    unit_err(mailbox_delete(t, unit_account, SPAN("inbox"), f), ERR_INVALID);
    unit_err(mailbox_get(t, NULL, id, &box, f), ERR_NOTFOUND);
    assert_list(t, "x", 0, "");
}

static void recreate_run(struct txn *t)
{
    unit_ok(mailbox_create(t, unit_account, SPAN("x/y"), 0, NULL, f));
    assert_true(unit_mailbox(t, unit_box(t, "x/y")).uidvalidity > old_validity);
}

static void mailbox_delete_and_again(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, delete_run);
    unit_check_clean(st);
    store_close(&st);
    clock_freeze(1000); /* a clock that went back does not matter */
    struct store_options o = unit_options();
    st = unit_store_open(&o);
    unit_run(st, recreate_run);
    unit_mail_close(&st);
    clock_thaw();
}

/* --- renaming --- */

static void rename_run(struct txn *t)
{
    uint64_t id;
    unit_ok(mailbox_create(t, unit_account, SPAN("a/b/c"), MAILBOX_IMPORTANT, &id, f));
    unit_ok(mailbox_create(t, unit_account, SPAN("a-x"), 0, NULL, f));
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("a/b"), true, f));
    (void)unit_append(t, id, 0);
    uint32_t before = unit_mailbox(t, id).uidvalidity;
    struct {
        const char *from, *to;
        enum err e;
        const char *list;
    } cases[] = {
        {"none", "z", ERR_NOTFOUND, "a a-x a/b a/b/c"},
        {"a", "a", ERR_EXISTS, "a a-x a/b a/b/c"},
        {"a", "a-x", ERR_EXISTS, "a a-x a/b a/b/c"},
        {"a", "a/b/c/d", ERR_INVALID, "a a-x a/b a/b/c"},
        {"a", "b//", ERR_INVALID, "a a-x a/b a/b/c"},
        {"a", "p/q", ERR_OK, "a-x p p/q p/q/b p/q/b/c"},
        {"p/q/b", "b", ERR_OK, "a-x b b/c p p/q"},
        {"b", "Inbox/b", ERR_OK, "a-x p p/q"},
        {"INBOX/b", "b", ERR_OK, "a-x b b/c p p/q"},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        unit_err(
            mailbox_rename(t, unit_account, span_cstr(cases[i].from), span_cstr(cases[i].to), f),
            cases[i].e);
        assert_list(t, "a", 0, cases[i].list);
    }
    assert_int_equal(unit_box(t, "b/c"), id);
    struct mailbox box = unit_mailbox(t, id);
    assert_true(box.uidvalidity > before);
    assert_int_equal(box.messages, 1);
    assert_int_equal(box.uses, MAILBOX_IMPORTANT);
    assert_subscribed(t, "Archive Drafts INBOX Junk Sent Trash a/b");
}

/* The superior is not there; a name is taken over by what is below it. */
static void rename_without_top_run(struct txn *t)
{
    unit_ok(mailbox_create(t, unit_account, SPAN("m/n/n"), 0, NULL, f));
    unit_ok(mailbox_delete(t, unit_account, SPAN("m"), f));
    unit_ok(mailbox_rename(t, unit_account, SPAN("m/n"), SPAN("m"), f));
    assert_list(t, "m", 0, "m m/n p p/q");
    unit_ok(mailbox_delete(t, unit_account, SPAN("m"), f));
    unit_ok(mailbox_rename(t, unit_account, SPAN("m"), SPAN("o"), f));
    assert_list(t, "m", 0, "o/n p p/q");
}

static void rename_inbox_run(struct txn *t)
{
    struct span keyword = SPAN("$Forwarded");
    unit_ok(mailbox_create(t, unit_account, SPAN("INBOX/below"), 0, NULL, f));
    (void)unit_append(t, unit_inbox, FLAGS_SEEN);
    (void)unit_append_with(t, unit_inbox, FLAGS_DELETED, &keyword, 1);
    unit_err(mailbox_rename(t, unit_account, SPAN("inbox"), SPAN("Sent"), f), ERR_EXISTS);
    unit_ok(mailbox_rename(t, unit_account, SPAN("inbox"), SPAN("old/2026"), f));
    assert_int_equal(unit_box(t, "INBOX"), unit_inbox);
    struct mailbox inbox = unit_mailbox(t, unit_inbox),
                   old = unit_mailbox(t, unit_box(t, "old/2026"));
    assert_int_equal(inbox.messages, 0);
    assert_int_equal(inbox.uidnext, 3);
    assert_int_equal(old.messages, 2);
    unit_assert_mail(t, old.id, "1 S,2 D $Forwarded");
    assert_list(t, "INBOX", 2, "INBOX INBOX/below");
}

static void mailbox_renaming(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, rename_run);
    unit_check_clean(st);
    unit_run(st, rename_without_top_run);
    unit_check_clean(st);
    unit_run(st, rename_inbox_run);
    unit_mail_close(&st);
}

/* --- the rest --- */

static void rest_run(struct txn *t)
{
    bool is;
    unit_ok(mailbox_subscribed(t, unit_account, SPAN("inbox"), &is, f));
    assert_true(is);
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("inbox"), false, f));
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("inbox"), false, f));
    unit_ok(mailbox_subscribed(t, unit_account, SPAN("INBOX"), &is, f));
    assert_false(is);
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("not/there"), true, f));
    unit_ok(mailbox_subscribe(t, unit_account, SPAN("not/there"), true, f));
    unit_err(mailbox_subscribe(t, unit_account, SPAN("*"), true, f), ERR_INVALID);
    assert_subscribed(t, "Archive Drafts Junk Sent Trash not/there");
    (void)unit_append(t, unit_inbox, 0);
    (void)unit_append(t, unit_inbox, 0);
    static const struct {
        uint32_t seen, recent;
    } cases[] = {{2, 2}, {1, 2}, {9, 3}, {3, 3}};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        unit_ok(mailbox_recent_seen(t, unit_inbox, cases[i].seen, f));
        assert_int_equal(unit_mailbox(t, unit_inbox).recent_from, cases[i].recent);
    }
    unit_ok(mailbox_delete(t, unit_account, SPAN("Junk"), f));
    unit_ok(mailbox_create_defaults(t, unit_account, f));
    assert_int_equal(unit_mailbox(t, unit_box(t, "Junk")).uses, MAILBOX_JUNK);
    assert_subscribed(t, "Archive Drafts INBOX Junk Sent Trash not/there");
}

static void mailbox_subscriptions_recent_defaults(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, rest_run);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailbox_names),
        unit_test_dir(mailbox_create_and_list),
        unit_test_dir(mailbox_delete_and_again),
        unit_test_dir(mailbox_renaming),
        unit_test_dir(mailbox_subscriptions_recent_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
