#include "store/schema.h"

#include "tests/unit/unit.h"

static struct arena *arena;

/* --- keys sort as what they stand for --- */

static void schema_keys_sort(void **state)
{
    (void)state;
    static const uint64_t ids[] = {0, 1, 255, 256, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, 1700000000, INT64_MAX};
    struct schema_key a, b;
    for (size_t i = 1; i < UNIT_COUNT(ids); i++) {
        assert_true(span_cmp(schema_id_key(&a, ids[i - 1]), schema_id_key(&b, ids[i])) < 0);
        assert_true(span_cmp(schema_account_key(&a, ids[i - 1]), schema_account_key(&b, ids[i])) <
                    0);
        assert_true(span_cmp(schema_change_key(&a, 1, ids[i - 1], UINT64_MAX, 6),
                             schema_change_key(&b, 1, ids[i], 0, 1)) < 0);
        assert_true(span_cmp(schema_msg_key(&a, 1, (uint32_t)i),
                             schema_msg_key(&b, 1, (uint32_t)i + 255)) < 0);
        assert_true(span_cmp(schema_keyword_key(&a, 1, (uint16_t)i),
                             schema_keyword_key(&b, 1, (uint16_t)(i + 255))) < 0);
    }
    for (size_t i = 1; i < UNIT_COUNT(times); i++)
        assert_true(span_cmp(schema_bin_key(&a, 1, times[i - 1], UINT64_MAX, 9),
                             schema_bin_key(&b, 1, times[i], 0, 0)) < 0);
}

static void schema_keys_back(void **state)
{
    (void)state;
    struct schema_key k;
    uint64_t id = 0;
    uint32_t n = 0;
    uint16_t index = 0;
    struct span name;
    assert_true(schema_id_of(schema_id_key(&k, 0x123456789abcdef0), &id));
    assert_true(id == 0x123456789abcdef0);
    assert_true(schema_pair_of(schema_chunk_key(&k, 77, 0x12345678), &id, &n));
    assert_true(id == 77 && n == 0x12345678);
    assert_true(schema_keyword_of(schema_keyword_key(&k, 78, 4095), &id, &index));
    assert_true(id == 78 && index == 4095);
    assert_true(schema_floor_of(schema_floor_key(&k, 79), &id));
    assert_true(id == 79);
    assert_true(schema_name_of(schema_name_key(&k, 80, SPAN("a/b")), &id, &name));
    assert_int_equal(id, 80);
    unit_assert_span(name, "a/b");
    unit_assert_span(schema_address_key(&k, SPAN("a@b")), "aa@b");
    assert_false(schema_id_of(SPAN("1234567"), &id));
    assert_false(schema_id_of(SPAN("123456789"), &id));
    assert_false(schema_pair_of(SPAN("12345678901"), &id, &n));
    assert_false(schema_keyword_of(SPAN("123456789"), &id, &index));
    assert_false(schema_floor_of(SPAN("ceiling012345"), &id));
    assert_false(schema_floor_of(SPAN("floor"), &id));
    assert_false(schema_name_of(SPAN("12345678"), &id, &name));
    static const struct {
        const char *name, *key;
    } inboxes[] = {{"inbox", "INBOX"},
                   {"iNbOx/aB", "INBOX/aB"},
                   {"inboxes", "inboxes"},
                   {"x/inbox", "x/inbox"},
                   {"inbo", "inbo"}};
    for (size_t i = 0; i < UNIT_COUNT(inboxes); i++) {
        assert_true(schema_name_of(schema_name_key(&k, 1, span_cstr(inboxes[i].name)), &id, &name));
        unit_assert_same(name, span_cstr(inboxes[i].key));
    }
}

/* --- values come back, and no cut of them does --- */

static void schema_mailboxes(void **state)
{
    (void)state;
    char row[SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES];
    struct mailbox m = {.account = UINT64_MAX,
                        .uidvalidity = 1,
                        .uidnext = UINT32_MAX,
                        .highestmodseq = 2,
                        .messages = 3,
                        .unseen = 4,
                        .deleted = 5,
                        .bytes = UINT64_C(1) << 60,
                        .recent_from = 6,
                        .uses = 7,
                        .keyword_count = 4096,
                        .created = -8,
                        .name = SPAN("name")},
                   got;
    struct span value = schema_mailbox(row, &m);
    assert_int_equal(value.n, SCHEMA_MAILBOX_BYTES + 4);
    assert_true(schema_mailbox_of(value, &got));
    unit_assert_span(got.name, "name");
    char again[sizeof row];
    unit_assert_same(schema_mailbox(again, &got), value);
    assert_true(got.bytes == UINT64_C(1) << 60 && got.created == -8 && got.keyword_count == 4096);
    for (size_t n = 0; n <= SCHEMA_MAILBOX_BYTES; n++)
        assert_false(schema_mailbox_of(span_to(value, n), &got));
    m.keyword_count = 4097;
    assert_false(schema_mailbox_of(schema_mailbox(row, &m), &got));
    m.keyword_count = 0;
    m.uidnext = 0;
    assert_false(schema_mailbox_of(schema_mailbox(row, &m), &got));
}

static void schema_messages(void **state)
{
    (void)state;
    struct schema_msg row;
    struct msg m = {.flags = 31,
                    .modseq = 1,
                    .internal = {-5, -720},
                    .saved = 6,
                    .bytes = 7,
                    .blob = UINT64_MAX,
                    .keywords = SPAN("\1\x80")},
               got = {0};
    struct span value = schema_msg(&row, &m);
    assert_int_equal(value.n, SCHEMA_MSG_BYTES + 2);
    assert_true(schema_msg_of(value, &got));
    unit_assert_same(got.keywords, m.keywords);
    assert_true(got.flags == 31 && got.modseq == 1 && got.saved == 6 && got.bytes == 7 &&
                got.blob == UINT64_MAX);
    assert_true(got.internal.utc == -5 && got.internal.zone_minutes == -720);
    assert_true(schema_msg_of(span_to(value, SCHEMA_MSG_BYTES), &got));
    for (size_t n = 0; n < SCHEMA_MSG_BYTES; n++)
        assert_false(schema_msg_of(span_to(value, n), &got));
    static char long_row[SCHEMA_MSG_BYTES + SCHEMA_KEYWORDS_BYTES + 1];
    assert_false(schema_msg_of(span_of(long_row, sizeof long_row), &got));
}

static void schema_accounts_and_lists(void **state)
{
    (void)state;
    struct buf row;
    struct account a = {.address = SPAN("a@b"), .verifier = SPAN("$y$"), .created = -9}, got;
    buf_init(&row, 10000);
    schema_account(&a, &row);
    assert_true(schema_account_of(buf_span(&row), &got));
    unit_assert_span(got.address, "a@b");
    unit_assert_span(got.verifier, "$y$");
    assert_int_equal(got.created, -9);
    for (size_t n = 0; n < 13; n++)
        assert_false(schema_account_of(span_to(buf_span(&row), n), &got));
    struct span list[] = {SPAN("one"), SPAN(""), SPAN("three")}, *back;
    size_t n;
    buf_reset(&row);
    schema_spans(list, 3, &row);
    assert_true(schema_spans_of(arena, buf_span(&row), &back, &n));
    assert_int_equal(n, 3);
    unit_assert_span(back[1], "");
    unit_assert_span(back[2], "three");
    for (size_t cut = 0; cut < row.n; cut++)
        assert_false(schema_spans_of(arena, span_to(buf_span(&row), cut), &back, &n));
    (void)buf_byte(&row, 'x');
    assert_false(schema_spans_of(arena, buf_span(&row), &back, &n));
    assert_false(schema_spans_of(arena, SPAN("\xff\xff"), &back, &n));
    buf_fini(&row);
}

static void schema_changes(void **state)
{
    (void)state;
    struct buf row;
    struct schema_key k;
    struct schema_change c = {.change = {.account = 1,
                                         .mailbox = 2,
                                         .modseq = 3,
                                         .kind = CHANGE_FLAGS,
                                         .by = {ACTOR_ADMIN, 4, {"session"}}},
                              .when = -5},
                         got;
    struct span key = schema_change_key(&k, 1, 3, 2, CHANGE_FLAGS);
    buf_init(&row, 1000);
    schema_change(&c, &row);
    assert_true(schema_change_of(key, buf_span(&row), &got));
    assert_true(got.change.account == 1 && got.change.mailbox == 2 && got.change.modseq == 3 &&
                got.when == -5);
    assert_true(got.change.kind == CHANGE_FLAGS && got.change.by.kind == ACTOR_ADMIN &&
                got.change.by.account == 4);
    assert_string_equal(got.change.by.session.text, "session");
    assert_int_equal(got.packed.n, 0);
    for (size_t n = 0; n < SCHEMA_CHANGE_BYTES; n++)
        assert_false(schema_change_of(key, span_to(buf_span(&row), n), &got));
    assert_false(schema_change_of(span_to(key, 24), buf_span(&row), &got));
    assert_false(schema_change_of(schema_change_key(&k, 1, 3, 2, 0), buf_span(&row), &got));
    assert_false(schema_change_of(schema_change_key(&k, 1, 3, 2, CHANGE_SUBSCRIPTION + 1),
                                  buf_span(&row), &got));
    key = schema_change_key(&k, 1, 3, 2, 1);
    row.p[8] = 4; /* no such kind of actor */
    assert_false(schema_change_of(key, buf_span(&row), &got));
    row.p[8] = 0;
    row.p[32] = 'x'; /* the text of the session does not end */
    assert_false(schema_change_of(key, buf_span(&row), &got));
    buf_fini(&row);
}

static void schema_bins(void **state)
{
    (void)state;
    struct buf row;
    struct schema_key k;
    struct span keywords[] = {SPAN("$a"), SPAN("b")};
    struct bin_item item = {.account = 1,
                            .mailbox = 2,
                            .name = SPAN("x/y"),
                            .when = -3,
                            .msg = {.uid = 4, .flags = 9, .blob = 5},
                            .keywords = keywords,
                            .keyword_count = 2},
                    got;
    struct span key = schema_bin_key(&k, 1, -3, 2, 4);
    buf_init(&row, 1000);
    schema_bin(&item, &row);
    assert_true(schema_bin_of(arena, key, buf_span(&row), &got));
    assert_true(got.account == 1 && got.mailbox == 2 && got.when == -3 && got.msg.uid == 4 &&
                got.msg.flags == 9);
    assert_true(got.msg.blob == 5 && got.keyword_count == 2);
    unit_assert_span(got.name, "x/y");
    unit_assert_span(got.keywords[1], "b");
    for (size_t n = 0; n < row.n; n++)
        assert_false(schema_bin_of(arena, key, span_to(buf_span(&row), n), &got));
    assert_false(schema_bin_of(arena, span_to(key, 27), buf_span(&row), &got));
    buf_fini(&row);
}

static void schema_numbers(void **state)
{
    (void)state;
    char bytes[8];
    uint64_t v;
    unit_assert_span(schema_number_value(bytes, 0x0102), "\2\1\0\0\0\0\0\0");
    assert_true(schema_number(SPAN("\xff\0\0\0\0\0\0\x80"), &v) && v == 0x80000000000000ff);
    assert_false(schema_number(SPAN("1234567"), &v));
}

static int arena_make(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int arena_drop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_keys_sort),
        cmocka_unit_test(schema_keys_back),
        cmocka_unit_test(schema_mailboxes),
        cmocka_unit_test(schema_messages),
        cmocka_unit_test(schema_accounts_and_lists),
        cmocka_unit_test(schema_changes),
        cmocka_unit_test(schema_bins),
        cmocka_unit_test(schema_numbers),
    };
    return cmocka_run_group_tests(tests, arena_make, arena_drop);
}
