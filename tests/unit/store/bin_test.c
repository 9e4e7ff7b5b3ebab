#include "store/bin.h"

#include "tests/unit/store/unit_mail.h"

#define DAY 86400

static struct arena *arena;

struct listing {
    char text[4096];
};

static bool list_item(void *arg, const struct bin_item *item)
{
    struct listing *l = arg;
    size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%s%.*s/%u@%d", n ? " " : "",
                   SPAN_ARG(item->name), item->msg.uid, (int)(item->when / DAY));
    for (size_t i = 0; i < item->keyword_count; i++) {
        n = strlen(l->text);
        (void)snprintf(l->text + n, sizeof l->text - n, "+%.*s", SPAN_ARG(item->keywords[i]));
    }
    return true;
}

static void assert_bin(struct txn *t, int64_t since, const char *expected)
{
    struct listing l = {""};
    unit_ok(bin_each(t, arena, unit_account, since, list_item, &l, f));
    assert_string_equal(l.text, expected);
}

static void fill(struct txn *t)
{
    uint64_t id;
    struct span keywords[] = {SPAN("$a"), SPAN("b")};
    struct uidset first = {0};
    unit_ok(mailbox_create(t, unit_account, SPAN("x/y"), 0, &id, f));
    (void)unit_append_with(t, id, FLAGS_SEEN | FLAGS_DELETED, keywords, 2);
    (void)unit_append(t, unit_inbox, FLAGS_FLAGGED);
    (void)unit_append(t, unit_inbox, 0);
    uidset_add(&first, 1, 1);
    unit_ok(msg_expunge(t, unit_inbox, &first, false, NULL, f));
    clock_advance(DAY * 1000u);
    unit_ok(mailbox_delete(t, unit_account, SPAN("x/y"), f));
    clock_advance(DAY * 1000u);
    unit_ok(msg_expunge(t, unit_inbox, NULL, false, NULL, f));
    assert_bin(t, 0, "INBOX/1@10 x/y/1@11+$a+b INBOX/2@12");
    assert_bin(t, 11 * DAY, "x/y/1@11+$a+b INBOX/2@12");
    uidset_fini(&first);
}

static void restore(struct txn *t)
{
    unsigned n;
    unit_ok(bin_restore(t, unit_account, 13 * DAY, 10, &n, f));
    assert_int_equal(n, 0);
    unit_ok(bin_restore(t, unit_account, 11 * DAY, 1, &n, f));
    assert_int_equal(n, 1);
    assert_bin(t, 0, "INBOX/1@10 INBOX/2@12");
    uint64_t id = unit_box(t, "x/y"); /* made again */
    unit_assert_mail(t, id, "1 S $a b");
    struct msg m;
    unit_ok(msg_get(t, arena, id, 1, &m, f));
    assert_int_equal(m.internal.utc, 1700000000);
    assert_int_equal(m.bytes, 25);
    unit_ok(bin_restore(t, unit_account, 0, 10, &n, f));
    assert_int_equal(n, 2);
    unit_assert_mail(t, unit_inbox, "3 F,4 -");
    assert_bin(t, 0, "");
}

static void bin_restoring(void **state)
{
    (void)state;
    clock_freeze(10 * DAY);
    arena = arena_new();
    struct store *st = unit_mail_open();
    unit_run(st, fill);
    unit_check_clean(st);
    unit_run(st, restore);
    unit_mail_close(&st);
    arena_free(&arena);
    clock_thaw();
}

/* --- until its time is up --- */

static uint64_t body;

static void expire(struct txn *t)
{
    struct msg m;
    struct blob_info info;
    unsigned n;
    unit_ok(bin_expire(t, 10 * DAY, 10, &n, f));
    assert_int_equal(n, 0);
    unit_ok(bin_expire(t, 12 * DAY, 1, &n, f));
    assert_int_equal(n, 1);
    assert_bin(t, 0, "x/y/1@11+$a+b INBOX/2@12");
    unit_ok(bin_expire(t, 12 * DAY, 1, &n, f));
    assert_int_equal(n, 1);
    unit_ok(bin_expire(t, 12 * DAY, 1, &n, f));
    assert_int_equal(n, 0);
    assert_bin(t, 0, "INBOX/2@12");
    /* a body goes with the last that names it */
    (void)unit_append(t, unit_inbox, 0);
    unit_ok(msg_copy(t, unit_inbox, NULL, unit_box(t, "Sent"), NULL, NULL, f));
    unit_ok(msg_get(t, arena, unit_box(t, "Sent"), 1, &m, f));
    body = m.blob;
    unit_ok(msg_expunge(t, unit_inbox, NULL, false, NULL, f));
    unit_ok(blob_info(t, body, &info, f));
    assert_int_equal(info.refs, 2);
    unit_ok(bin_expire(t, INT64_MAX, 10, &n, f));
    assert_int_equal(n, 2);
    unit_ok(blob_info(t, body, &info, f));
    assert_int_equal(info.refs, 1);
    unit_ok(msg_expunge(t, unit_box(t, "Sent"), NULL, false, NULL, f));
    unit_ok(bin_purge(t, unit_account, 10, &n, f));
    assert_int_equal(n, 1);
    unit_err(blob_info(t, body, &info, f), ERR_NOTFOUND);
}

static void bin_expiring(void **state)
{
    (void)state;
    clock_freeze(10 * DAY);
    arena = arena_new();
    struct store *st = unit_mail_open();
    unit_run(st, fill);
    unit_run(st, expire);
    unit_mail_close(&st);
    arena_free(&arena);
    clock_thaw();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(bin_restoring),
        unit_test_dir(bin_expiring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
