#include "imapd/imap_tree.h"

#include "store/directory.h"
#include "tests/unit/store/unit_store.h"

/* An account with these mailboxes and subscriptions. */
struct setting {
    struct store_op op;
    const char *const *mailboxes, *const *gone, *const *subscriptions;
    uint64_t account;
};

static enum err setting_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct setting *s = (struct setting *)(void *)op;
    enum err e = txn_new_id(t, &s->account, f);
    for (size_t i = 0; e == ERR_OK && s->mailboxes[i]; i++)
        e = mailbox_create(t, s->account, span_cstr(s->mailboxes[i]), i == 0 ? MAILBOX_SENT : 0,
                           NULL, f);
    for (size_t i = 0; e == ERR_OK && s->gone[i]; i++)
        e = mailbox_delete(t, s->account, span_cstr(s->gone[i]), f);
    for (size_t i = 0; e == ERR_OK && s->subscriptions[i]; i++)
        e = mailbox_subscribe(t, s->account, span_cstr(s->subscriptions[i]), true, f);
    return e;
}

/* "name parent exists subscribed children" of each node, parents as names */
static void tree_reads(void **state)
{
    (void)state;
    static const char *const mailboxes[] = {"Sent", "a", "a/b/c", "a!x", "inbox/z", "q/r", NULL};
    static const char *const gone[] = {"q", NULL};
    static const char *const subscriptions[] = {"a", "a/b/nope", "deep/er/still", NULL};
    /* clang-format off */
    static const struct { const char *name, *parent; bool exists, subscribed, children; } want[] = {
        {"INBOX",         "INBOX",   true,  false, true},
        {"INBOX/z",       "INBOX",   true,  false, false},
        {"Sent",          "Sent",    true,  false, false},
        {"a",             "a",       true,  true,  true},
        {"a/b",           "a",       true,  false, true},
        {"a/b/c",         "a/b",     true,  false, false},
        {"a/b/nope",      "a/b",     false, true,  false},
        {"a!x",           "a!x",     true,  false, false},
        {"deep",          "deep",    false, false, false},
        {"deep/er",       "deep",    false, false, false},
        {"deep/er/still", "deep/er", false, true,  false},
        {"q",             "q",       false, false, true},
        {"q/r",           "q",       true,  false, false},
    };
    /* clang-format on */
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct fault f = FAULT_NONE;
    struct setting s = {.op = {.apply = setting_apply},
                        .mailboxes = mailboxes,
                        .gone = gone,
                        .subscriptions = subscriptions};
    unit_assert_ok(committer_run(st, &s.op, &f), &f);
    struct arena *a = arena_new();
    struct txn *t = unit_read(st);
    struct imap_tree tree;
    unit_assert_ok(imap_tree_read(&tree, t, a, s.account, &f), &f);
    txn_read_end(&t);
    assert_int_equal(tree.n, UNIT_COUNT(want));
    for (size_t i = 0; i < tree.n; i++) {
        const struct imap_tree_node *n = &tree.nodes[i];
        unit_assert_same(n->box.name, span_cstr(want[i].name));
        unit_assert_same(tree.nodes[n->parent].box.name, span_cstr(want[i].parent));
        assert_int_equal(n->exists, want[i].exists);
        assert_int_equal(n->subscribed, want[i].subscribed);
        assert_int_equal(n->children, want[i].children);
    }
    assert_int_equal(tree.nodes[2].box.uses, MAILBOX_SENT);
    arena_free(&a);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(tree_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
