#include "message/header_keep.h"

#include "message/outline.h"
#include "tests/unit/unit_arena.h"

static void keep_names(void **state)
{
    (void)state;
    static const char *const kept[] = {"From",       "subject",    "MESSAGE-ID",
                                       "References", "X-Priority", "List-Id",
                                       "Receive",    "X-Spam",     ""};
    static const char *const not_kept[] = {"Received",    "received",     "DKIM-Signature",
                                           "X-Spam-Flag", "x-google-foo", "ARC-Seal"};
    for (size_t i = 0; i < UNIT_COUNT(kept); i++)
        assert_true(header_keep(span_cstr(kept[i])));
    for (size_t i = 0; i < UNIT_COUNT(not_kept); i++)
        assert_false(header_keep(span_cstr(not_kept[i])));
}

static void keep_fields(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, HEADER_KEEP_BYTES);
    assert_true(
        header_keep_fields(SPAN("Received: a\r\n by b\r\nFrom: x\r\nno field\r\nTo: a,\r\n b\r\n"
                                "X-Spam-Score: 1\r\nfrom: y\n\r\nSubject: body\r\n"),
                           &b));
    unit_assert_span(buf_span(&b), "From: x\r\nno field\r\nTo: a,\r\n b\r\nfrom: y\n");
    buf_reset(&b);
    assert_true(header_keep_fields(SPAN(""), &b));
    assert_int_equal(b.n, 0);
    char many[HEADER_KEEP_BYTES + 10];
    memset(many, 'x', sizeof many);
    memcpy(many, "To: ", 4);
    assert_true(header_keep_fields(span_of(many, HEADER_KEEP_BYTES), &b));
    assert_int_equal(b.n, HEADER_KEEP_BYTES);
    buf_reset(&b);
    assert_false(header_keep_fields(span_of(many, HEADER_KEEP_BYTES + 1), &b));
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

/* The outline has them, in whatever pieces the message came, unless the header is too long. */
static void keep_outline(void **state)
{
    (void)state;
    struct buf message, record;
    buf_init(&message, 1u << 20);
    buf_init(&record, OUTLINE_RECORD_MAX);
    for (unsigned fill = 0; fill < 2; fill++) {
        buf_reset(&message);
        buf_addz(&message, "From: x\r\n");
        for (unsigned i = 0; i < fill * 1000; i++)
            buf_addz(&message, "Received: from here by there\r\n");
        buf_addz(&message, "Subject: s\r\n\r\nTo: body\r\n");
        for (size_t piece = 1; piece < 100; piece += 33) {
            struct outline_parser *p = outline_new(&outline_limits_default);
            for (struct span s = buf_span(&message); s.n > 0;) {
                struct span now = span_to(s, piece);
                outline_feed(p, now);
                s = span_from(s, now.n);
            }
            buf_reset(&record);
            outline_end(p, &record);
            outline_free(&p);
            struct outline o;
            assert_true(outline_open(buf_span(&record), &o));
            assert_int_equal(o.fields_kept, fill == 0);
            unit_assert_same(o.fields, fill ? SPAN("") : SPAN("From: x\r\nSubject: s\r\n"));
        }
    }
    buf_fini(&message);
    buf_fini(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keep_names), cmocka_unit_test(keep_fields),
                                       cmocka_unit_test(keep_outline)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
