#include "store/glance.h"

#include "tests/unit/store/unit_mail.h"

static struct glance some(uint64_t modseq)
{
    struct glance g = {.modseq = modseq, .first_unseen = 7};
    uidset_add(&g.uids, 1, 3);
    uidset_add(&g.uids, 7, 100000);
    return g;
}

static void put_and_get(struct txn *t)
{
    struct glance g, in = some(unit_mailbox(t, unit_inbox).highestmodseq);
    assert_int_equal(glance_get(t, unit_inbox, &g, NULL), ERR_NOTFOUND);
    unit_ok(glance_put(t, unit_inbox, &in, f));
    unit_ok(glance_get(t, unit_inbox, &g, f));
    assert_int_equal(g.modseq, in.modseq);
    assert_int_equal(g.first_unseen, 7);
    unit_assert_uids(&g.uids, "1:3,7:100000");
    uidset_fini(&g.uids);
    uidset_fini(&in.uids);
}

static void gone_with_its_mailbox(struct txn *t)
{
    uint64_t id;
    struct glance g, in = some(1);
    unit_ok(mailbox_create(t, unit_account, SPAN("x"), 0, &id, f));
    unit_ok(glance_put(t, id, &in, f));
    unit_ok(mailbox_delete(t, unit_account, SPAN("x"), f));
    assert_int_equal(glance_get(t, id, &g, NULL), ERR_NOTFOUND);
    assert_int_equal(glance_put(t, id, &in, NULL), ERR_NOTFOUND);
    uidset_fini(&in.uids);
}

static void too_many_gaps(struct txn *t)
{
    struct glance g, in = {.modseq = 1};
    for (uint32_t i = 0; i <= GLANCE_RANGES_MAX; i++)
        uidset_add(&in.uids, 2 * i + 1, 2 * i + 1);
    unit_ok(glance_put(t, unit_inbox, &in, f));
    unit_ok(glance_get(t, unit_inbox, &g, f)); /* the one before stays */
    unit_assert_uids(&g.uids, "1:3,7:100000");
    uidset_fini(&g.uids);
    uidset_fini(&in.uids);
}

static void damaged_is_none(struct txn *t)
{
    struct schema_key k;
    struct glance g;
    unit_ok(table_put(t, TABLE_GLANCE, schema_id_key(&k, unit_inbox), SPAN("damaged"), f));
    assert_int_equal(glance_get(t, unit_inbox, &g, NULL), ERR_NOTFOUND);
}

static void newer_than_its_mailbox(struct txn *t)
{
    struct glance in = some(unit_mailbox(t, unit_inbox).highestmodseq + 1);
    unit_ok(glance_put(t, unit_inbox, &in, f));
    uidset_fini(&in.uids);
}

static void without_a_mailbox(struct txn *t)
{
    struct schema_key k;
    struct glance in = some(1);
    struct buf row;
    buf_init(&row, 1000);
    schema_glance(&in, &row);
    unit_ok(table_put(t, TABLE_GLANCE, schema_id_key(&k, 4711), buf_span(&row), f));
    buf_fini(&row);
    uidset_fini(&in.uids);
}

static void glance_kept(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {put_and_get, gone_with_its_mailbox,
                                                    too_many_gaps};
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
}

static void glance_checked(void **state)
{
    (void)state;
    static const struct {
        void (*damage)(struct txn *t);
        const char *number, *text;
    } cases[] = {{damaged_is_none, "I1", "glance: damaged row"},
                 {newer_than_its_mailbox, "I15", "is above"},
                 {without_a_mailbox, "I15", "no mailbox 4711"}};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(unit_dir_make(state), 0);
        struct store *st = unit_mail_open();
        unit_run(st, cases[i].damage);
        unit_check_finds(st, cases[i].number, cases[i].text);
        store_close(&st);
        assert_int_equal(unit_dir_remove(state), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(glance_kept),
                                       cmocka_unit_test(glance_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
