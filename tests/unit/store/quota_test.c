#include "store/quota.h"

#include "tests/unit/store/unit_mail.h"

static struct quota quota_of(struct txn *t)
{
    struct quota q;
    unit_ok(quota_get(t, unit_account, &q, f));
    return q;
}

static void counts_what_comes_and_goes(struct txn *t)
{
    struct quota before = quota_of(t);
    struct uidset uids = {0};
    uint64_t other;
    assert_int_equal(before.used.mailboxes, 6);
    uint32_t uid = unit_append(t, unit_inbox, 0);
    struct quota one = quota_of(t);
    assert_int_equal(one.used.messages, before.used.messages + 1);
    assert_true(one.used.bytes > before.used.bytes);
    unit_ok(mailbox_create(t, unit_account, SPAN("a/b"), 0, &other, f));
    assert_int_equal(quota_of(t).used.mailboxes, 8);
    uidset_add(&uids, uid, uid);
    unit_ok(msg_copy(t, unit_inbox, &uids, other, NULL, NULL, f));
    assert_int_equal(quota_of(t).used.messages, before.used.messages + 2);
    unit_ok(msg_move(t, unit_inbox, &uids, other, NULL, NULL, f)); /* takes no room */
    assert_int_equal(quota_of(t).used.messages, before.used.messages + 2);
    unit_ok(mailbox_rename(t, unit_account, SPAN("a"), SPAN("c"), f));
    assert_int_equal(quota_of(t).used.mailboxes, 8);
    unit_ok(mailbox_delete(t, unit_account, SPAN("c/b"), f));
    struct quota after = quota_of(t);
    assert_int_equal(after.used.messages, before.used.messages);
    assert_int_equal(after.used.bytes, before.used.bytes);
    assert_int_equal(after.used.mailboxes, 7);
    uidset_fini(&uids);
}

static void refuses_what_does_not_fit(struct txn *t)
{
    struct quota q = quota_of(t);
    const struct quota_amount limit = {q.used.bytes + 100, q.used.messages + 1,
                                       q.used.mailboxes + 2};
    static const struct {
        struct quota_amount more;
        enum err e;
    } cases[] = {
        {{100, 1, 0}, ERR_OK},           {{101, 1, 0}, ERR_QUOTA},
        {{1, 2, 0}, ERR_QUOTA},          {{0, 0, 2}, ERR_OK},
        {{0, 0, 3}, ERR_QUOTA},          {{0, 0, 0}, ERR_OK},
        {{UINT64_MAX, 0, 0}, ERR_QUOTA},
    };
    unit_ok(quota_set(t, unit_account, &limit, f));
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        unit_err(quota_allows(t, unit_account, &cases[i].more, f), cases[i].e);
    unit_err(mailbox_create(t, unit_account, SPAN("d/e/f"), 0, NULL, f), ERR_QUOTA);
    unit_ok(mailbox_create(t, unit_account, SPAN("d/e"), 0, NULL, f));
    unit_err(mailbox_create(t, unit_account, SPAN("g"), 0, NULL, f), ERR_QUOTA);
    unit_ok(mailbox_rename(t, unit_account, SPAN("d/e"), SPAN("h"), f));
    unit_err(mailbox_rename(t, unit_account, SPAN("h"), SPAN("x/y"), f), ERR_QUOTA); /* a level */
    unit_ok(mailbox_rename(t, unit_account, SPAN("h"), SPAN("d/e"), f));
    unit_ok(quota_set(t, unit_account, &(struct quota_amount){QUOTA_NONE, 0, QUOTA_NONE}, f));
    unit_ok(mailbox_create(t, unit_account, SPAN("g"), 0, NULL, f));
    q = quota_of(t);
    struct quota_amount in_force = quota_limits(t, &q);
    assert_int_equal(in_force.bytes + in_force.messages + in_force.mailboxes, 0);
}

static void quota_kept(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {counts_what_comes_and_goes,
                                                    refuses_what_does_not_fit};
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(quota_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
