#include "imapd/imap_progress.h"

#include "common/clock.h"
#include "tests/unit/imapd/fake.h"

static struct imap_session *session;

static void said(const char *what)
{
    unit_assert_same(buf_span(&fake.out), span_cstr(what));
    buf_reset(&fake.out);
}

static int begin(void **state)
{
    (void)state;
    clock_freeze(1700000000);
    session = fake_begin();
    buf_reset(&fake.out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_end();
    clock_thaw();
    return 0;
}

static void progress_in_time(void **state)
{
    (void)state;
    struct imap_cmd *c = &session->cmd;
    c->tag = SPAN("A001");
    imap_progress(c, 1, 1000);
    clock_advance(IMAP_PROGRESS_MS - 1);
    imap_progress(c, 100, 1000);
    said("");
    clock_advance(1);
    imap_progress(c, 454, 1000);
    said("* OK [INPROGRESS (\"A001\" 454 1000)] Still at it\r\n");
    imap_progress(c, 455, 1000);
    clock_advance(IMAP_PROGRESS_MS - 1);
    imap_progress(c, 998, 1000);
    said("");
    clock_advance(1);
    imap_progress(c, 999, 1000);
    said("* OK [INPROGRESS (\"A001\" 999 1000)] Still at it\r\n");
}

/* RFC 9585 §4: the goal is larger than the progress, or NIL; so is a tag with "]" */
static void progress_says(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        uint64_t done, goal;
        const char *says;
    } rows[] = {
        {"a", 0, 0, "* OK [INPROGRESS (\"a\" 0 NIL)] Still at it\r\n"},
        {"a", 7, 7, "* OK [INPROGRESS (\"a\" 7 NIL)] Still at it\r\n"},
        {"a", 0, 4294967296, "* OK [INPROGRESS (\"a\" 0 NIL)] Still at it\r\n"},
        {"a", 4294967296, 0, "* OK [INPROGRESS (\"a\" NIL NIL)] Still at it\r\n"},
        {"a]", 1, 2, "* OK [INPROGRESS (NIL 1 2)] Still at it\r\n"},
    };
    struct imap_cmd *c = &session->cmd;
    imap_progress(c, 0, 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        c->tag = span_cstr(rows[i].tag);
        clock_advance(IMAP_PROGRESS_MS);
        imap_progress(c, rows[i].done, rows[i].goal);
        said(rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(progress_in_time, begin, end),
        cmocka_unit_test_setup_teardown(progress_says, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
