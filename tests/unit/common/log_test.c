#include "common/clock.h"
#include "common/log.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOG_AT 1795465862 /* 2026-11-23T20:31:02Z */
#define LOG_MAX 2048

static void log_lines(void)
{
    clock_freeze(LOG_AT);
    clock_advance(123);
    log_event(LOG_INFO, "0123456789abc", "smtp.accepted", "msg=%016x bytes=%d", 255, 7);
    log_event(LOG_WARN, NULL, "smtp.refused", "why=\"%s\"", LOG_SPAN(SPAN("a\"b\\c\r\n\xff d")));
    log_event(LOG_DEBUG, NULL, "not.shown", "x=%d", 1);
    log_event(LOG_ERROR, NULL, "two.lines", "%s", "a\nb\x1b[m\x7f");
    log_event(LOG_INFO, NULL, "no.pairs", "%s", "");
    log_level(LOG_DEBUG);
    log_event(LOG_DEBUG, NULL, "is.shown", "x=%d", 1);
    log_level(LOG_ERROR);
    log_event(LOG_WARN, NULL, "not.shown", "x=%d", 1);
}

static void log_writes(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(unit_child(log_lines, text, sizeof text), 0);
    assert_string_equal(
        text,
        "2026-11-23T20:31:02.123Z info 0123456789abc smtp.accepted msg=00000000000000ff bytes=7\n"
        "2026-11-23T20:31:02.123Z warn - smtp.refused why=\"a\\x22b\\x5cc\\x0d\\x0a\\xff d\"\n"
        "2026-11-23T20:31:02.123Z error - two.lines a?b?[m?\n"
        "2026-11-23T20:31:02.123Z info - no.pairs\n"
        "2026-11-23T20:31:02.123Z debug - is.shown x=1\n");
}

static void log_long(void)
{
    log_event(LOG_INFO, NULL, "long", "%*d", 100000, 7);
    log_event(LOG_INFO, NULL, "next", "%d", 7);
}

static void log_cuts(void **state)
{
    (void)state;
    char text[8192];
    assert_int_equal(unit_child(log_long, text, sizeof text), 0);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_int_equal(end + 1 - text, LOG_MAX);
    assert_memory_equal(end - 4, " ...", 4);
    assert_non_null(strstr(end, " next 7\n"));
}

/* clang-format off */
static const struct {
    int64_t at;
    const char *text;
} log_times[] = {
    {0,                   "1970-01-01T00:00:00.000Z"},
    {-1,                  "1969-12-31T23:59:59.000Z"},
    {951782399,           "2000-02-28T23:59:59.000Z"},
    {951782400,           "2000-02-29T00:00:00.000Z"},
    {951868800,           "2000-03-01T00:00:00.000Z"},
    {1767225599,          "2025-12-31T23:59:59.000Z"},
    {4107542399,          "2100-02-28T23:59:59.000Z"},
    {4107542400,          "2100-03-01T00:00:00.000Z"},
    {INT64_C(253402300799), "9999-12-31T23:59:59.000Z"},
};
/* clang-format on */

static size_t log_case;
static void log_time_line(void)
{
    clock_freeze(log_times[log_case].at);
    log_event(LOG_INFO, NULL, "x", "%d", 1);
}

static void log_dates(void **state)
{
    (void)state;
    for (log_case = 0; log_case < UNIT_COUNT(log_times); log_case++) {
        char text[256];
        unit_child(log_time_line, text, sizeof text);
        text[24] = '\0';
        assert_string_equal(text, log_times[log_case].text);
    }
}

static void log_escapes(void **state)
{
    (void)state;
    char in[400];
    memset(in, 'a', sizeof in);
    assert_string_equal(LOG_SPAN(SPAN("")), "");
    assert_string_equal(LOG_SPAN(SPAN("a b\t~\x7f\0")), "a b\\x09~\\x7f\\x00");
    assert_int_equal(strlen(LOG_SPAN(span_of(in, 255))), 255);
    assert_null(strstr(LOG_SPAN(span_of(in, 255)), "..."));
    assert_int_equal(strlen(LOG_SPAN(span_of(in, 256))), 255);
    assert_string_equal(LOG_SPAN(span_of(in, 256)) + 251, "a...");
    for (size_t plain = 240; plain < 260; plain++) { /* an escape is never cut in two */
        memset(in, 'a', plain);
        memset(in + plain, '\n', sizeof in - plain);
        struct log_escaped e = log_escape(span_of(in, sizeof in));
        size_t n = strlen(e.text);
        assert_true(n < sizeof e.text);
        assert_string_equal(e.text + n - 3, "...");
        size_t letters = strspn(e.text, "a");
        assert_int_equal((n - 3 - letters) % 4, 0);
    }
}

static void log_to_journal(void)
{
    struct stat st;
    char name[64];
    fstat(STDERR_FILENO, &st);
    snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_event(LOG_ERROR, NULL, "a.b", "k=%d", 1);
    log_event(LOG_INFO, "id", "a.b", "k=%d", 2);
}

/* An inherited JOURNAL_STREAM that is not our stderr's: the inode differs. */
static void log_to_other(void)
{
    struct stat st;
    char name[64];
    fstat(STDERR_FILENO, &st);
    snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
    setenv("JOURNAL_STREAM", name, 1);
    log_event(LOG_INFO, NULL, "a.b", "k=%d", 1);
}

static void log_to_nothing(void)
{
    close(STDERR_FILENO);
    errno = EBADMSG;
    log_event(LOG_INFO, NULL, "a.b", "k=%d", 1);
    _exit(errno == EBADMSG ? 0 : 1);
}

static void log_keeps_errno(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(unit_child(log_to_nothing, text, sizeof text), 0);
}

static void log_journals(void **state)
{
    (void)state;
    char text[1024];
    unit_child(log_to_journal, text, sizeof text);
    assert_string_equal(text, "<3>error - a.b k=1\n<6>info id a.b k=2\n");
    unit_child(log_to_other, text, sizeof text);
    assert_int_equal(text[0], '2');
}

static void log_expect_file(const char *path, const char *const events[], size_t count)
{
    char text[4096], *at = text;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(n >= 0);
    text[n] = '\0';
    for (size_t i = 0; i < count; i++) {
        at = strstr(at, events[i]);
        assert_non_null(at);
    }
    size_t lines = 0;
    for (const char *z = text; *z; z++)
        lines += *z == '\n';
    assert_int_equal(lines, count);
}

static void log_to_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/log_test.XXXXXX", path[64], moved[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(moved, sizeof moved, "%s/log.1", dir);
    assert_true(log_open(path));
    log_event(LOG_INFO, NULL, "file.one", "k=%d", 1);
    assert_int_equal(rename(path, moved), 0);
    errno = EBADMSG;
    log_event(LOG_INFO, NULL, "file.two", "k=%d", 2);
    assert_int_equal(errno, EBADMSG);
    log_reopen();
    log_event(LOG_INFO, NULL, "file.three", "k=%d", 3);
    assert_false(log_open("/nonexistent/log"));
    assert_int_equal(errno, ENOENT);
    log_event(LOG_INFO, NULL, "file.four", "k=%d", 4); /* the old one stays */
    assert_true(log_open(NULL));
    log_reopen();
    assert_true(log_open(path)); /* appends */
    log_event(LOG_INFO, NULL, "file.five", "k=%d", 5);
    assert_true(log_open(NULL));
    log_expect_file(moved, (const char *const[]){"file.one", "file.two"}, 2);
    log_expect_file(path, (const char *const[]){"file.three", "file.four", "file.five"}, 3);
    unlink(path);
    unlink(moved);
    rmdir(dir);
}

static void log_names(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        enum log_level level;
        assert_true(log_level_named(span_cstr(names[i]), &level));
        assert_int_equal(level, i);
    }
    enum log_level untouched = LOG_WARN;
    assert_false(log_level_named(SPAN("notice"), &untouched));
    assert_false(log_level_named(SPAN(""), &untouched));
    assert_int_equal(untouched, LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_writes),   cmocka_unit_test(log_cuts),
        cmocka_unit_test(log_dates),    cmocka_unit_test(log_escapes),
        cmocka_unit_test(log_journals), cmocka_unit_test(log_to_file),
        cmocka_unit_test(log_names),    cmocka_unit_test(log_keeps_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
