#include "imapd/imap_view.h"

#include "tests/unit/imapd/fake.h"

static struct imap_view view;
static struct imap_session *session;

/* UIDs 10..14, 20 and 30: numbers 1..5, 6 and 7 */
static int begin(void **state)
{
    (void)state;
    session = fake_begin();
    buf_reset(&fake.out);
    view = (struct imap_view){.session = session, .recent_from = 14};
    uidset_add(&view.uids, 10, 14);
    uidset_add(&view.uids, 20, 20);
    uidset_add(&view.uids, 30, 30);
    return 0;
}

static int end(void **state)
{
    (void)state;
    uidset_fini(&view.uids);
    uidset_fini(&view.added);
    uidset_fini(&view.removed);
    uidset_fini(&view.flagged);
    fake_end();
    return 0;
}

static struct span text_of(const struct uidset *s)
{
    static char kept[256];
    struct buf b;
    buf_init(&b, sizeof kept);
    uidset_text(s, &b);
    size_t n = b.n;
    if (n)
        memcpy(kept, b.p, n);
    buf_fini(&b);
    return span_of(kept, n);
}

static void view_resolves(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { uint32_t a, b, c, d; bool uid, ok; const char *uids; } rows[] = {
        /* two ranges a:b,c:d; 0 is "*" */
        {1, 1, 1, 1, false, true, "10"},
        {1, 3, 6, 6, false, true, "10:12,20"},
        {7, 5, 1, 1, false, true, "10,14,20,30"},
        {0, 0, 0, 0, false, true, "30"},
        {1, 0, 1, 1, false, true, "10:14,20,30"},
        {0, 6, 2, 2, false, true, "11,20,30"},
        {8, 8, 1, 1, false, false, ""},
        {1, 8, 1, 1, false, false, ""},
        {8, 0, 1, 1, false, false, ""},
        {10, 10, 30, 30, true, true, "10,30"},
        {1, 0, 1, 1, true, true, "10:14,20,30"},
        {15, 25, 1, 9, true, true, "20"},
        {31, 0, 31, 31, true, true, "30"}, /* beyond the end: "*" is the last, RFC 9051 §9 */
        {0, 0, 0, 0, true, true, "30"},
        {4294967295, 31, 40, 50, true, true, ""},
        {4294967295, 1, 40, 50, true, true, "10:14,20,30"},
    };
    /* clang-format on */
    struct uidset got = {0};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct imap_set_range ranges[2] = {{rows[i].a, rows[i].b}, {rows[i].c, rows[i].d}};
        struct imap_set set = {.ranges = ranges, .n = 2};
        assert_int_equal(imap_view_resolve(&view, &set, rows[i].uid, &got), rows[i].ok);
        if (rows[i].ok)
            unit_assert_same(text_of(&got), span_cstr(rows[i].uids));
    }
    uidset_clear(&view.uids);
    struct imap_set_range all = {1, IMAP_SET_STAR};
    struct imap_set set = {.ranges = &all, .n = 1};
    assert_false(imap_view_resolve(&view, &set, false, &got));
    assert_true(imap_view_resolve(&view, &set, true, &got));
    assert_true(uidset_empty(&got));
    uidset_fini(&got);
}

/* Each number means what it means at that moment: RFC 9051 §7.5.1. */
static void view_expunges(void **state)
{
    (void)state;
    uidset_add(&view.removed, 11, 12);
    uidset_add(&view.removed, 20, 20);
    imap_view_news(&view, false, false);
    assert_int_equal(fake.out.n, 0);
    assert_int_equal(uidset_count(&view.uids), 7);
    imap_view_news(&view, true, false);
    unit_assert_span(buf_span(&fake.out), "* 6 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n");
    unit_assert_span(text_of(&view.uids), "10,13:14,30");
    buf_reset(&fake.out);
    imap_view_news(&view, true, false);
    assert_int_equal(fake.out.n, 0);
}

static void view_recent(void **state)
{
    (void)state;
    assert_int_equal(imap_view_recent_count(&view), 3);
    assert_false(imap_view_recent(&view, 13));
    assert_true(imap_view_recent(&view, 14));
    session->enabled = IMAP_REV2; /* there is no \Recent in it */
    assert_false(imap_view_recent(&view, 14));
}

/* RFC 7162 §3.2.10, RFC 9586 §3.4 */
static void view_vanished(void **state)
{
    (void)state;
    session->enabled = IMAP_QRESYNC;
    uidset_add(&view.removed, 11, 12);
    uidset_add(&view.removed, 30, 30);
    imap_view_news(&view, false, false);
    assert_int_equal(fake.out.n, 0);
    imap_view_news(&view, true, false);
    unit_assert_span(buf_span(&fake.out), "* VANISHED 11:12,30\r\n");
    unit_assert_span(text_of(&view.uids), "10,13:14,20");
    buf_reset(&fake.out);
    session->enabled = IMAP_UIDONLY;
    uidset_add(&view.removed, 20, 20);
    imap_view_news(&view, true, false);
    unit_assert_span(buf_span(&fake.out), "* VANISHED 20\r\n");
}

/* A MODSEQ was sent while an expunge before it is not told: RFC 7162 §3.2 and §6 */
static void view_settles(void **state)
{
    (void)state;
    session->enabled = IMAP_QRESYNC | IMAP_CONDSTORE;
    view.modseq = view.told_modseq = 99;
    imap_view_settle(&view);
    assert_int_equal(fake.out.n, 0);
    uidset_add(&view.removed, 11, 11);
    view.modseq = 103;
    imap_view_settle(&view); /* nothing was sent */
    assert_int_equal(fake.out.n, 0);
    imap_view_modseq_sent(&view, 101);
    imap_view_modseq_sent(&view, 103);
    imap_view_modseq_sent(&view, 102);
    assert_false(view.stale);
    imap_view_settle(&view);
    assert_true(span_starts_ci(buf_span(&fake.out), SPAN("* OK [HIGHESTMODSEQ 99] ")));
    buf_reset(&fake.out);
    imap_view_news(&view, true, false);
    buf_reset(&fake.out);
    imap_view_settle(&view);
    assert_true(span_starts_ci(buf_span(&fake.out), SPAN("* OK [HIGHESTMODSEQ 103] ")));
    buf_reset(&fake.out);
    imap_view_settle(&view);
    assert_int_equal(fake.out.n, 0);
    imap_view_modseq_sent(&view, 104); /* what the view has not heard of yet */
    assert_true(view.stale);
}

static void view_lines(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    imap_view_line(&view, 20, &b);
    session->enabled = IMAP_UIDONLY;
    imap_view_line(&view, 20, &b);
    unit_assert_span(buf_span(&b), "* 6 FETCH (* 20 UIDFETCH (");
    buf_fini(&b);
}

static void view_gone(void **state)
{
    (void)state;
    view.gone = true;
    imap_view_news(&view, true, false);
    assert_true(span_starts_ci(buf_span(&fake.out), SPAN("* BYE [NONEXISTENT]")));
    assert_true(fake.closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(view_resolves, begin, end),
                                       cmocka_unit_test_setup_teardown(view_expunges, begin, end),
                                       cmocka_unit_test_setup_teardown(view_recent, begin, end),
                                       cmocka_unit_test_setup_teardown(view_vanished, begin, end),
                                       cmocka_unit_test_setup_teardown(view_settles, begin, end),
                                       cmocka_unit_test_setup_teardown(view_lines, begin, end),
                                       cmocka_unit_test_setup_teardown(view_gone, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
