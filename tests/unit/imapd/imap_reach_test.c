#include "imapd/imap_reach.h"

#include "imapd/imap_session.h"
#include "store/directory.h"
#include "tests/unit/store/unit_store.h"

/* (Who may do what with which name is in tests/acl.) Here: how the address of an owner becomes one level of a name, and back. */

/* clang-format off */
static const struct { const char *address, *level; bool shared; } owners[] = {
    {"plain@example.org",     "plain@example.org",     false},
    {"a/b@example.org",       "a~2Fb@example.org",     false},
    {"per%cent@example.org",  "per~25cent@example.org", false},
    {"st*r@example.org",      "st~2Ar@example.org",    false},
    {"til~de@example.org",    "til~7Ede@example.org",  false},
    {"~/%*@example.org",      "~7E~2F~25~2A@example.org", true},
    {"b\303\274ro@example.org", "b\303\274ro@example.org", true},
};
static const char *const nobody[] = {
    "Other Users/a/b@example.org/Box",       "Other Users/a~2fb@example.org/Box",
    "Other Users/til~de@example.org/Box",    "Other Users/~70lain@example.org/Box",
    "Other Users/plain@example.org~/Box",    "Other Users/plain@example.org~2/Box",
    "Other Users/~7E~2F~25~2A@example.org/Box", "Shared/plain@example.org/Box",
    "Other Users//Box",                      "Other Users/plain@example.org",
    "Other Users/plain@example.org/",        "Other Users/plain@example.org/Other",
    "other users/plain@example.org/Box",     "Other Users/ann@example.org/Box",
};
/* clang-format on */

struct setting {
    struct store_op op;
    uint64_t ann, boxes[UNIT_COUNT(owners)];
};

static enum err setting_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct setting *s = (struct setting *)(void *)op;
    struct acl_entry given = {.rights = ACL_LOOKUP | ACL_READ};
    struct mailbox box;
    enum err e = directory_account_add(t, SPAN("ann@example.org"), SPAN(""), &s->ann, f);
    given.account = s->ann;
    for (size_t i = 0; e == ERR_OK && i < UNIT_COUNT(owners); i++) {
        uint64_t owner;
        struct span address = span_cstr(owners[i].address);
        e = owners[i].shared ? directory_shared_add(t, address, &owner, f)
                             : directory_account_add(t, address, SPAN(""), &owner, f);
        if (e == ERR_OK)
            e = mailbox_create(t, owner, SPAN("Box"), 0, &s->boxes[i], f);
        if (e == ERR_OK)
            e = mailbox_get(t, NULL, s->boxes[i], &box, f);
        if (e == ERR_OK)
            e = acl_change(t, &box, &given, ACL_REPLACE, f);
    }
    return e;
}

static void is_reached(struct imap_session *session, struct txn *t, struct span name, uint64_t id)
{
    struct arena *a = arena_new();
    struct fault f = FAULT_NONE;
    struct mailbox box;
    unit_assert_ok(imap_reach(session, t, a, name, ACL_READ, &box, &f), &f);
    assert_true(box.id == id);
    unit_assert_same(box.name, name);
    assert_int_equal(imap_reach(session, t, a, name, ACL_INSERT, &box, &f), ERR_DENIED);
    arena_free(&a);
}

static void names(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct fault f = FAULT_NONE;
    struct setting s = {.op = {.apply = setting_apply}};
    unit_assert_ok(committer_run(st, &s.op, &f), &f);
    struct imap_session session = {.account = s.ann};
    struct arena *a = arena_new();
    struct txn *t = unit_read(st);
    struct imap_reach_walk w;
    struct mailbox box;
    bool seen;
    unit_assert_ok(imap_reach_walk(&w, t, a, s.ann, &f), &f);
    for (size_t i = 0; i < UNIT_COUNT(owners); i++) { /* ids rise as they were made */
        struct span name = arena_printf(
            a, "%s%s/Box", owners[i].shared ? "Shared/" : "Other Users/", owners[i].level);
        unit_assert_ok(imap_reach_walk_next(&w, t, &box, &seen, &f), &f);
        assert_true(seen);
        unit_assert_same(box.name, name);
        is_reached(&session, t, name, s.boxes[i]);
        unit_assert_ok(imap_reach_others(t, a, s.ann, s.boxes[i], &box, &f), &f);
        unit_assert_same(box.name, name);
    }
    assert_int_equal(imap_reach_walk_next(&w, t, &box, &seen, &f), ERR_NOTFOUND);
    for (size_t i = 0; i < UNIT_COUNT(nobody); i++)
        assert_int_equal(imap_reach(&session, t, a, span_cstr(nobody[i]), 0, &box, &f),
                         ERR_NOTFOUND);
    txn_read_end(&t);
    arena_free(&a);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
