#include "imapd/imap_object.h"

#include "tests/unit/unit_arena.h"

static void object_text(void **state)
{
    (void)state;
    struct buf b;
    uint64_t id = 1;
    buf_init(&b, 100);
    imap_object_text(IMAP_OBJECT_EMAIL, 1234, &b);
    unit_assert_span(buf_span(&b), "M00000000000004d2");
    assert_true(imap_object_of(IMAP_OBJECT_EMAIL, buf_span(&b), &id));
    assert_int_equal(id, 1234);
    buf_reset(&b);
    imap_object_text(IMAP_OBJECT_THREAD, UINT64_MAX, &b);
    unit_assert_span(buf_span(&b), "Tffffffffffffffff");
    assert_true(imap_object_of(IMAP_OBJECT_THREAD, buf_span(&b), &id));
    assert_true(id == UINT64_MAX);
    buf_fini(&b);
}

/* Exactly: RFC 8474 §6, and case is significant. */
static void object_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "M",
                                      "T00000000000004d2",
                                      "m00000000000004d2",
                                      "M00000000000004D2",
                                      "M4d2",
                                      "M000000000000004d2",
                                      "M00000000000004dg",
                                      "M 0000000000004d2"};
    uint64_t id = 7;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++)
        assert_false(imap_object_of(IMAP_OBJECT_EMAIL, span_cstr(bad[i]), &id));
    assert_int_equal(id, 7);
}

static void object_codes(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(imap_object_cstr(a, IMAP_OBJECT_MAILBOX, 16), "F0000000000000010");
    assert_string_equal(imap_object_code(a, 16), "MAILBOXID (F0000000000000010)");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(object_text),
                                       cmocka_unit_test(object_refuses),
                                       cmocka_unit_test(object_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
