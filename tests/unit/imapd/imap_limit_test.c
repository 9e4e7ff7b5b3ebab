#include "imapd/imap_limit.h"

#include "tests/unit/imapd/fake.h"

static struct imap_session *session;
static struct imapd_options options;

static int begin(void **state)
{
    (void)state;
    session = fake_begin();
    options = *session->options;
    session->options = &options;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_end();
    return 0;
}

static struct span text_of(const struct uidset *s)
{
    static char kept[64];
    struct buf b;
    buf_init(&b, sizeof kept);
    uidset_text(s, &b);
    size_t n = b.n;
    if (n)
        memcpy(kept, b.p, n);
    buf_fini(&b);
    return span_of(kept, n);
}

static void same(const char *got, const char *want)
{
    if (!got || !want)
        assert_true(got == want);
    else
        assert_string_equal(got, want);
}

/* Of the UIDs 10, 20, 21, 22 and 30 */
static void limit_rows(void **state)
{
    (void)state;
    static const struct {
        unsigned messages, save;
        const char *cut, *left, *over;
    } rows[] = {
        {0, 0, NULL, "10,20:22,30", NULL},
        {5, 0, NULL, "10,20:22,30", NULL},
        {5, 2, NULL, "10,20:22,30", NULL},
        {4, 0, "MESSAGELIMIT 4 20", "20:22,30", "MESSAGELIMIT 4 20"},
        {3, 9, "MESSAGELIMIT 3 21", "21:22,30", "MESSAGELIMIT 3 21"},
        {1, 1, "MESSAGELIMIT 1 30", "30", "MESSAGELIMIT 1 30"},
        {0, 5, NULL, "10,20:22,30", NULL},
        {0, 2, NULL, "10,20:22,30", "MESSAGELIMIT 2 22"},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct uidset uids = {0};
        uidset_add(&uids, 10, 10);
        uidset_add(&uids, 20, 22);
        uidset_add(&uids, 30, 30);
        options.limits.message_count = rows[i].messages;
        options.limits.save_count = rows[i].save;
        same(imap_limit_over(&session->cmd, &uids), rows[i].over);
        assert_int_equal(uidset_count(&uids), 5);
        same(imap_limit_cut(&session->cmd, &uids), rows[i].cut);
        unit_assert_same(text_of(&uids), span_cstr(rows[i].left));
        uidset_fini(&uids);
    }
}

static void limit_of_none(void **state)
{
    (void)state;
    struct uidset uids = {0};
    options.limits.message_count = 1;
    assert_null(imap_limit_cut(&session->cmd, &uids));
    assert_null(imap_limit_over(&session->cmd, &uids));
    uidset_add(&uids, 1, 4294967295);
    assert_string_equal(imap_limit_cut(&session->cmd, &uids), "MESSAGELIMIT 1 4294967295");
    assert_string_equal(imap_limit_refused(&session->cmd), "MESSAGELIMIT 1");
    uidset_fini(&uids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(limit_rows, begin, end),
                                       cmocka_unit_test_setup_teardown(limit_of_none, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
