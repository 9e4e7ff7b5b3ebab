#include "store/outline_row.h"

#include "common/arena.h"
#include "message/outline.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static void assert_back(struct span record, bool shorter)
{
    struct buf row, plain;
    struct span got;
    buf_init(&row, 1u << 20);
    buf_init(&plain, 1u << 20);
    (void)buf_add(&row, outline_row(record)); /* the thread's own is used again */
    if (shorter)
        assert_true(row.n < record.n && row.p[0] == OUTLINE_ROW_ZSTD);
    else
        unit_assert_same(buf_span(&row), record);
    assert_true(outline_row_record(buf_span(&row), &plain, &got));
    unit_assert_same(got, record);
    buf_fini(&row);
    buf_fini(&plain);
}

static void there_and_back(void **state)
{
    (void)state;
    static const char message[] =
        "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Re: hello\r\n"
        "Date: Mon, 23 Nov 2026 20:30:48 +0000\r\nMessage-ID: <1@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n";
    struct buf record;
    buf_init(&record, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, span_of(message, sizeof message - 1));
    outline_end(p, &record);
    outline_free(&p);
    assert_back(buf_span(&record), true);
    assert_true(outline_row(buf_span(&record)).n < record.n / 2); /* the words are of use */
    assert_back(SPAN("short"), false);
    assert_back(SPAN(""), false);
    static char noise[70000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 2654435761u >> 13);
    assert_back(span_of(noise, sizeof noise), false); /* too long to be tried */
    buf_fini(&record);
}

/* In a process that has not packed anything: the dictionary is there for the first reader, too; and these 256 "x" are
 * packed as they ever were. */
static void read_first(void)
{
    static const unsigned char packed[] = {0x01, 0x00, 0x01, 0x00, 0x00, 0x28, 0xb5, 0x2f,
                                           0xfd, 0x60, 0x00, 0x00, 0x45, 0x00, 0x00, 0x08,
                                           0x78, 0x01, 0x00, 0x7c, 0x0a, 0x08, 0x01};
    struct buf plain;
    struct span got;
    buf_init(&plain, 1000);
    if (!outline_row_record(span_of((const char *)packed, sizeof packed), &plain, &got) ||
        got.n != 256 || got.p[255] != 'x')
        abort();
}

static void reads_before_it_writes(void **state)
{
    (void)state;
    char text[256];
    int status = unit_child(read_first, text, sizeof text);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Whatever the disk says, nothing falls. */
static void damaged(void **state)
{
    (void)state;
    static char text[2000];
    struct buf row, plain;
    struct span got;
    memset(text, 'x', sizeof text);
    buf_init(&row, 1u << 20);
    buf_init(&plain, 1u << 20);
    (void)buf_add(&row, outline_row(span_of(text, sizeof text)));
    assert_int_equal(row.p[0], OUTLINE_ROW_ZSTD);
    for (size_t n = 1; n < row.n; n++)
        assert_false(outline_row_record(span_of(row.p, n), &plain, &got));
    for (size_t i = 1; i < row.n; i++) {
        char was = row.p[i];
        row.p[i] = (char)(was ^ 0x55);
        (void)outline_row_record(buf_span(&row), &plain, &got);
        row.p[i] = was;
    }
    assert_true(outline_row_record(buf_span(&row), &plain, &got));
    buf_fini(&row);
    buf_fini(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_before_it_writes),
                                       cmocka_unit_test(there_and_back), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
