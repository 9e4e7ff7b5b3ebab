#include "store/msg.h"
#include "store/bin.h"

#include "tests/unit/store/unit_mail.h"

/* (What random operations prove is in msg_test.c.) */

static struct uidset was, is;

static void map_run(struct txn *t)
{
    struct span a[] = {SPAN("a"), SPAN("b"), SPAN("C")}, b[] = {SPAN("x"), SPAN("c"), SPAN("B")};
    uint64_t sent = unit_box(t, "Sent"), trash = unit_box(t, "Trash");
    (void)unit_append_with(t, unit_inbox, FLAGS_SEEN, a, 3);
    (void)unit_append_with(t, unit_inbox, 0, a + 1, 1);
    (void)unit_append(t, unit_inbox, FLAGS_DELETED);
    (void)unit_append_with(t, sent, 0, b, 3);
    unit_ok(msg_copy(t, unit_inbox, NULL, sent, &was, &is, f));
    unit_assert_uids(&was, "1:3");
    unit_assert_uids(&is, "2:4");
    unit_assert_mail(
        t, sent,
        "1 - x c B,2 S c B a,3 - B,4 D"); /* bits of the target, names in the case it has */
    unit_assert_mail(t, unit_inbox, "1 S a b C,2 - b,3 D");
    struct uidset uids = {0};
    uidset_add(&uids, 2, 2);
    unit_ok(msg_move(t, unit_inbox, &uids, trash, &was, &is, f));
    unit_assert_mail(t, trash, "1 - b");
    assert_int_equal(unit_mailbox(t, trash).keyword_count, 1); /* none that no message has */
    unit_assert_mail(t, unit_inbox, "1 S a b C,3 D");
    uidset_fini(&uids);
}

static void same_run(struct txn *t)
{
    struct uidset uids = {0};
    uidset_add(&uids, 1, UINT32_MAX);
    unit_ok(msg_copy(t, unit_inbox, &uids, unit_inbox, &was, &is, f));
    unit_assert_uids(&was, "1,3");
    unit_assert_uids(&is, "4:5");
    unit_assert_mail(t, unit_inbox, "1 S a b C,3 D,4 S a b C,5 D");
    uidset_remove(&uids, 4, UINT32_MAX);
    unit_ok(msg_move(t, unit_inbox, &uids, unit_inbox, &was, &is, f));
    unit_assert_uids(&was, "1,3");
    unit_assert_uids(&is, "6:7");
    unit_assert_mail(t, unit_inbox, "4 S a b C,5 D,6 S a b C,7 D");
    uidset_fini(&uids);
}

static bool count_item(void *arg, const struct bin_item *item)
{
    (void)item;
    ++*(unsigned *)arg;
    return true;
}

static void unit_bin_count(struct txn *t, uint64_t account, unsigned expected)
{
    struct arena *a = arena_new();
    unsigned n = 0;
    unit_ok(bin_each(t, a, account, 0, count_item, &n, f));
    assert_int_equal(n, expected);
    arena_free(&a);
}

static void refused_run(struct txn *t)
{
    uint64_t other;
    struct mailbox box;
    unit_ok(directory_account_add(t, SPAN("bob@example.org"), SPAN(""), &other, f));
    unit_ok(mailbox_find(t, NULL, other, SPAN("INBOX"), &box, f));
    unit_ok(msg_copy(t, unit_inbox, NULL, box.id, &was, &is, f));
    unit_assert_mail(t, box.id, "1 S a b C,2 D,3 S a b C,4 D");
    unit_bin_count(t, unit_account, 0);
    unit_ok(msg_move(t, box.id, NULL, unit_inbox, &was, &is, f)); /* what leaves an account... */
    unit_assert_mail(t, box.id, "");
    unit_bin_count(t, other, 4); /* ...its owner finds in the bin */
    unit_ok(msg_expunge(t, unit_inbox, &is, false, NULL, f));
    unit_err(msg_copy(t, unit_inbox, NULL, 4711, &was, &is, f), ERR_NOTFOUND);
    unit_err(msg_move(t, 4711, NULL, unit_inbox, &was, &is, f), ERR_NOTFOUND);
    struct uidset uids = {0};
    uidset_add(&uids, 100, 200);
    unit_ok(msg_move(t, unit_inbox, &uids, unit_box(t, "Sent"), &was, &is, f));
    unit_assert_uids(&was, "");
    unit_assert_uids(&is, "");
    uidset_fini(&uids);
}

/* Many copies of one body, and a mailbox that is out of UIDs. */
static void bodies_run(struct txn *t)
{
    struct blob_info info;
    struct msg m;
    struct arena *a = arena_new();
    uint64_t drafts = unit_box(t, "Drafts");
    (void)unit_append(t, drafts, 0);
    unit_ok(msg_get(t, a, drafts, 1, &m, f));
    for (int i = 0; i < 5; i++)
        unit_ok(msg_copy(t, drafts, NULL, drafts, NULL, NULL, f));
    unit_ok(blob_info(t, m.blob, &info, f));
    assert_int_equal(info.refs, 32);
    struct mailbox_row row;
    unit_ok(mailbox_row_get(t, drafts, &row, f));
    row.box.uidnext = UINT32_MAX;
    unit_ok(mailbox_row_put(t, &row, true, f));
    mailbox_row_end(&row);
    struct msg_new new = {.blob = m.blob};
    unit_err(msg_append(t, drafts, &new, NULL, f), ERR_LIMIT);
    unit_err(msg_copy(t, unit_inbox, NULL, drafts, NULL, NULL, f), ERR_LIMIT);
    arena_free(&a);
}

static void msg_copies_and_moves(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {map_run, same_run, refused_run, bodies_run};
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    store_close(&st);
    uidset_fini(&was);
    uidset_fini(&is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(msg_copies_and_moves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
