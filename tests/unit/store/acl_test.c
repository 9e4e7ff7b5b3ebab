#include "store/acl.h"

#include "store/changes.h"
#include "tests/unit/store/unit_mail.h"

/* (What each command makes of them is in tests/acl.) */

static uint64_t bob, cat;
static struct mailbox box;

static void letters(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        unsigned rights;
        const char *text; /* NULL: not rights */
    } cases[] = {
        {"", 0, ""},
        {"lrs", ACL_LOOKUP | ACL_READ | ACL_SEEN, "lrs"},
        {"srl", ACL_LOOKUP | ACL_READ | ACL_SEEN, "lrs"},
        {"c", ACL_CREATE | ACL_DELETE_MAILBOX, "kxc"},
        {"d", ACL_DELETE | ACL_EXPUNGE, "ted"},
        {"k", ACL_CREATE, "kc"},
        {"lrswipkxteacd", ACL_ALL, "lrswipkxteacd"},
        {"L", 0, NULL},
        {"lrq", 0, NULL},
        {"l r", 0, NULL},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        unsigned rights;
        char text[ACL_TEXT_BYTES];
        assert_int_equal(acl_parse(span_cstr(cases[i].given), &rights), cases[i].text != NULL);
        if (!cases[i].text)
            continue;
        assert_int_equal(rights, cases[i].rights);
        assert_string_equal(acl_text(rights, text), cases[i].text);
    }
}

static void give(struct txn *t, uint64_t who, bool negative, enum acl_how how, const char *text)
{
    struct acl_entry e = {.account = who, .negative = negative};
    assert_true(acl_parse(span_cstr(text), &e.rights));
    unit_ok(acl_change(t, &box, &e, how, f));
}

static void assert_rights(struct txn *t, uint64_t who, const char *expected)
{
    unsigned rights, wanted;
    char text[ACL_TEXT_BYTES], want[ACL_TEXT_BYTES];
    assert_true(acl_parse(span_cstr(expected), &wanted));
    unit_ok(acl_rights(t, who, &box, &rights, f));
    assert_string_equal(acl_text(rights, text), acl_text(wanted, want));
}

static void begin_run(struct txn *t)
{
    unit_ok(directory_account_add(t, SPAN("bob@example.org"), SPAN(""), &bob, f));
    unit_ok(directory_account_add(t, SPAN("cat@example.org"), SPAN(""), &cat, f));
    unit_ok(mailbox_create(t, unit_account, SPAN("Work"), 0, NULL, f));
    unit_ok(mailbox_find(t, NULL, unit_account, SPAN("Work"), &box, f));
}

static void rights_run(struct txn *t)
{
    assert_rights(t, unit_account, "lrswipkxtea");
    assert_rights(t, bob, "");
    give(t, bob, false, ACL_REPLACE, "lr");
    give(t, 0, false, ACL_REPLACE, "ls");
    assert_rights(t, bob, "lrs");
    assert_rights(t, cat, "ls");
    give(t, bob, false, ACL_ADD, "wi");
    give(t, bob, false, ACL_REMOVE, "r");
    assert_rights(t, bob, "lswi");
    give(t, bob, true, ACL_REPLACE, "s");
    give(t, 0, true, ACL_REPLACE, "w");
    assert_rights(t, bob, "li");
    assert_rights(t, cat, "ls");
    assert_rights(t, unit_account, "lrswipkxtea"); /* "anyone" is not the owner */
    give(t, unit_account, false, ACL_REPLACE, "r");
    assert_rights(t, unit_account, "lra");
    give(t, unit_account, true, ACL_REPLACE, "rl");
    assert_rights(t, unit_account, "la");
    give(t, unit_account, true, ACL_REPLACE, "");
    give(t, unit_account, false, ACL_REPLACE, "lrswipkxtea");
}

static bool list_entry_of(void *arg, const struct acl_entry *e)
{
    char *out = arg, text[ACL_TEXT_BYTES];
    size_t n = strlen(out);
    (void)snprintf(out + n, 200 - n, "%s%s%u %s", n ? "," : "", e->negative ? "-" : "",
                   (unsigned)e->account, acl_text(e->rights, text));
    return true;
}

static bool count_given(void *arg, uint64_t mailbox)
{
    assert_int_equal(mailbox, box.id);
    ++*(unsigned *)arg;
    return true;
}

static void entries_run(struct txn *t)
{
    char text[200] = "", expected[200];
    unsigned given = 0;
    unit_ok(acl_each(t, &box, list_entry_of, text, f));
    (void)snprintf(expected, sizeof expected, "%u lrswipkxteacd,0 ls,%u lwi,-0 w,-%u s",
                   (unsigned)unit_account, (unsigned)bob, (unsigned)bob);
    assert_string_equal(text, expected);
    unit_ok(acl_each_given(t, bob, count_given, &given, f));
    assert_int_equal(given, 1);
    unit_ok(acl_each_given(t, cat, count_given, &given, f));
    assert_int_equal(given, 1);
    unit_ok(acl_each_given(t, 0, count_given, &given, f));
    assert_int_equal(given, 2);
}

static void authorize_run(struct txn *t)
{
    static const struct {
        const char *given;
        unsigned asked;
        enum err is;
    } cases[] = {
        {"", 0, ERR_NOTFOUND},
        {"l", 0, ERR_OK},
        {"l", ACL_READ, ERR_DENIED},
        {"r", ACL_READ, ERR_OK},
        {"r", ACL_WRITE, ERR_NOTFOUND},
        {"s", ACL_SEEN, ERR_NOTFOUND}, /* none of those of which one is needed */
        {"i", ACL_INSERT, ERR_OK},
        {"li", ACL_INSERT | ACL_READ, ERR_DENIED},
    };
    give(t, 0, false, ACL_REPLACE, "");
    give(t, 0, true, ACL_REPLACE, "");
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        give(t, cat, false, ACL_REPLACE, cases[i].given);
        unit_err(acl_authorize(t, cat, &box, cases[i].asked, f), cases[i].is);
    }
    unit_ok(acl_authorize(t, unit_account, &box, ACL_ALL, f));
}

static void life_run(struct txn *t)
{
    uint64_t id;
    give(t, bob, false, ACL_REPLACE, "lr");
    unit_ok(mailbox_create(t, unit_account, SPAN("Work/a/b"), 0, &id, f));
    unit_ok(mailbox_rename(t, unit_account, SPAN("Work"), SPAN("Play"), f));
    unit_ok(mailbox_get(t, NULL, id, &box, f));
    assert_rights(t, bob, "lr");
    unit_ok(mailbox_delete(t, unit_account, SPAN("Play/a/b"), f));
    assert_rights(t, bob, "");
    unit_ok(mailbox_find(t, NULL, unit_account, SPAN("Play/a"), &box, f));
    assert_rights(t, bob, "lr");
}

static bool gone;

static void count_rights(void *arg, const struct change *c, const struct uidset *uids)
{
    (void)uids;
    *(unsigned *)arg += c->kind == CHANGE_BOX_RIGHTS;
}

/* Sessions that bob has with a mailbox of ours hear of it. */
static void remove_run(struct txn *t)
{
    unsigned before = 0, after = 0;
    unit_ok(changes_since(t, unit_account, box.id, 0, count_rights, &before, f));
    unit_ok(directory_account_remove(t, SPAN("bob@example.org"), 1000, &gone, f));
    assert_true(gone);
    assert_rights(t, bob, "");
    unit_ok(changes_since(t, unit_account, box.id, 0, count_rights, &after, f));
    assert_int_equal(after, before + 1);
}

/* In a shared account what is made at the top has the rights of INBOX. */
static void shared_run(struct txn *t)
{
    uint64_t team, id;
    bool shared;
    unit_ok(directory_shared_add(t, SPAN("team@example.org"), &team, f));
    unit_ok(directory_account_shared(t, team, &shared, f));
    assert_true(shared);
    unit_ok(directory_account_shared(t, cat, &shared, f));
    assert_false(shared);
    unit_ok(mailbox_find(t, NULL, team, SPAN("INBOX"), &box, f));
    give(t, cat, false, ACL_REPLACE, "lrk");
    unit_ok(mailbox_create(t, team, SPAN("Plans"), 0, &id, f));
    unit_ok(mailbox_get(t, NULL, id, &box, f));
    assert_rights(t, cat, "lrk");
}

static void remove_shared_run(struct txn *t)
{
    unit_ok(directory_account_remove(t, SPAN("team@example.org"), 1000, &gone, f));
    assert_true(gone);
}

static void many_run(struct txn *t)
{
    unit_ok(mailbox_find(t, NULL, unit_account, SPAN("Play"), &box, f));
    give(t, cat, false, ACL_REPLACE, "");
    give(t, bob, false, ACL_REPLACE, "");
    struct acl_entry e = {.rights = ACL_READ};
    for (e.account = 1000; e.account < 1000 + ACL_ENTRY_COUNT; e.account++)
        unit_ok(acl_change(t, &box, &e, ACL_REPLACE, f));
    unit_err(acl_change(t, &box, &e, ACL_REPLACE, f), ERR_LIMIT);
    for (e.account = 1000; e.account < 1000 + ACL_ENTRY_COUNT; e.account++) {
        unsigned rows;
        unit_ok(acl_change(t, &box, &e, ACL_REMOVE, f)); /* these accounts are not there */
        unit_ok(changes_purge(t, e.account, 1000, &rows, f));
    }
}

static void rights(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {begin_run,     rights_run,        entries_run,
                                                    authorize_run, life_run,          remove_run,
                                                    shared_run,    remove_shared_run, many_run};
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters),
        unit_test_dir(rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
