#include "imapd/imap_qresync.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_vanished.h"
#include "tests/unit/imapd/fake.h"

static struct imap_view view;
static struct imap_session *session;

/* The mailbox of RFC 7162 §3.2.5.2: only UIDs divisible by three, 10,003 messages */
static int begin(void **state)
{
    (void)state;
    session = fake_begin();
    buf_reset(&fake.out);
    view = (struct imap_view){.session = session};
    for (uint32_t i = 1; i <= 10003; i++)
        uidset_add(&view.uids, 3 * i, 3 * i);
    return 0;
}

static int end(void **state)
{
    (void)state;
    uidset_fini(&view.uids);
    fake_end();
    return 0;
}

static uint32_t matched(const char *numbers, const char *uids)
{
    struct scan a = scan_of(span_cstr(numbers)), b = scan_of(span_cstr(uids));
    struct imap_set n = imap_parse_set(&a, session->cmd.arena);
    struct imap_set u = imap_parse_set(&b, session->cmd.arena);
    return imap_qresync_matched(&view, &n, &u);
}

static void qresync_matches(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *numbers, *uids; uint32_t upto; } rows[] = {
        {"5000,7500,9000,9990:9999", "15000,22500,27000,29970,29973,29976,29979,29982,29985,29988,29991,29994,29997", 29997},
        {"4,12", "8,24", 0},
        {"3,12", "9,25", 9},
        {"3,12", "9,36", 36},
        {"1", "3", 3},
        {"1", "2", 0},
        {"1:3", "1:3", 0},
        {"1:3", "3:5", 3},
        {"10003", "30009", 30009},
        {"10004", "30012", 0},
        {"1:4294967295", "1:4294967295", 0},
        {"1:4294967293", "3:4294967295", 3},
        {"2:4294967293", "6:4294967295", 6}, /* one UID short: what is left has no partner */
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        assert_int_equal(matched(rows[i].numbers, rows[i].uids), rows[i].upto);
    uidset_clear(&view.uids);
    assert_int_equal(matched("1:3", "1:3"), 0);
    uidset_add(&view.uids, 1, 1000000);
    assert_int_equal(matched("1:4294967295", "1:4294967295"), 1000000);
    uidset_remove(&view.uids, 500000, 500000);
    assert_int_equal(matched("1:4294967295", "1:4294967295"), 499999);
}

static struct imap_qresync parsed(const char *text, bool ok)
{
    struct imap_qresync q = {0};
    struct scan in = scan_of(span_cstr(text));
    imap_qresync_parse(&session->cmd, &in, &q);
    if (scan_ok(&in) != ok)
        fail_msg("%s: %s", text, in.why ? in.why : "taken");
    return q;
}

static void qresync_parses(void **state)
{
    (void)state;
    static const char *const good[] = {"(67890007 20050715194045000)", "(1 2 41,43:211,214:541)",
                                       "(1 2 (1,3 1,3))", "(1 2 9:1,4 (1:3 1,2,5))"};
    static const char *const bad[] = {"",
                                      "()",
                                      "(1)",
                                      "1 2",
                                      "(1 2",
                                      "(1  2)",
                                      "(1 2 )",
                                      "(1 2 *)",
                                      "(1 2 1:*)",
                                      "(1 2 $)",
                                      "(1 2 ())",
                                      "(1 2 (1))",
                                      "(1 2 (1 *))",
                                      "(1 2 (2,1 1,2))",
                                      "(1 2 (1,2 2,1))",
                                      "(1 2 (1:2 3))",
                                      "(1 2 (2:1 1:2))",
                                      "(1 2 (1 1) 3)",
                                      "(x 2)",
                                      "(4294967296 2)",
                                      "(1 18446744073709551616)"};
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        session->enabled = IMAP_QRESYNC;
        struct imap_qresync q = parsed(good[i], true);
        imap_qresync_fini(&q);
        session->enabled = 0; /* RFC 7162 §3.2.5 */
        q = parsed(good[i], false);
        imap_qresync_fini(&q);
    }
    session->enabled = IMAP_QRESYNC;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct imap_qresync q = parsed(bad[i], false);
        imap_qresync_fini(&q);
    }
    struct imap_qresync q = parsed("(1 2 9:1,4)", true);
    assert_true(q.some && q.known.n == 1 && uidset_last(&q.known) == 9);
    imap_qresync_fini(&q);
}

/* Lines of a bounded length, all of them together the whole set. */
static void qresync_vanished(void **state)
{
    (void)state;
    size_t at = 0;
    struct uidset few = {0};
    uidset_add(&few, 405, 405);
    uidset_add(&few, 407, 425);
    assert_true(imap_vanished_tell(session, &few, false, &at));
    unit_assert_span(buf_span(&fake.out), "* VANISHED 405,407:425\r\n");
    uidset_fini(&few);
    buf_reset(&fake.out);
    at = 0;
    while (!imap_vanished_tell(session, &view.uids, true, &at))
        ;
    struct span all = buf_span(&fake.out);
    struct uidset told = {0};
    while (all.n > 0) {
        struct span head = SPAN("* VANISHED (EARLIER) "),
                    line = span_to(all, span_find(all, '\n') + 1);
        assert_true(span_starts_ci(line, head) && line.n < 10000);
        struct scan in = scan_of(span_from(line, head.n));
        do {
            uint32_t uid = scan_u32(&in, "a UID");
            uidset_add(&told, uid, uid);
        } while (scan_try(&in, ','));
        unit_assert_span(scan_rest(&in), "\r\n");
        all = span_from(all, line.n);
    }
    assert_int_equal(uidset_count(&told), 10003);
    uidset_remove_set(&told, &view.uids);
    assert_true(uidset_empty(&told));
    uidset_fini(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(qresync_matches, begin, end),
        cmocka_unit_test_setup_teardown(qresync_parses, begin, end),
        cmocka_unit_test_setup_teardown(qresync_vanished, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
