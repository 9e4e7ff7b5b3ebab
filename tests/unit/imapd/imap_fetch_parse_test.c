#include "imapd/imap_fetch.h"

#include "tests/unit/unit_arena.h"

/* --- what is taken: the labels of the items in order, and what follows from them --- */

enum { SEEN = 1, FLAGS = 2, OUTLINE = 4, UID = 8 /* came with UID before it */ };

/* clang-format off */
static const struct {
    const char *in;
    unsigned is;
    const char *labels;
} good[] = {
    {"FLAGS",                    FLAGS,           "FLAGS"},
    {"flags",                    FLAGS,           "FLAGS"},
    {"(UID FLAGS)",              FLAGS,           "UID,FLAGS"},
    {"FLAGS",                    FLAGS | UID,     "UID,FLAGS"},
    {"(FLAGS UID MODSEQ)",       FLAGS | UID,     "UID,FLAGS,MODSEQ"},
    {"ALL",                      FLAGS | OUTLINE, "FLAGS,INTERNALDATE,RFC822.SIZE,ENVELOPE"},
    {"fast",                     FLAGS,           "FLAGS,INTERNALDATE,RFC822.SIZE"},
    {"FULL",                     FLAGS | OUTLINE, "FLAGS,INTERNALDATE,RFC822.SIZE,ENVELOPE,BODY"},
    {"BODY",                     OUTLINE,         "BODY"},
    {"BODYSTRUCTURE",            OUTLINE,         "BODYSTRUCTURE"},
    {"(BODY BODYSTRUCTURE BODY[])", SEEN | OUTLINE, "BODY,BODYSTRUCTURE,BODY[]"},
    {"BODY[]",                   SEEN,            "BODY[]"},
    {"BODY.PEEK[]",              0,               "BODY[]"},
    {"BODY[TEXT]",               SEEN | OUTLINE,  "BODY[TEXT]"},
    {"BODY.PEEK[HEADER]",        OUTLINE,         "BODY[HEADER]"},
    {"BODY.PEEK[4.2.2.1]",       OUTLINE,         "BODY[4.2.2.1]"},
    {"BODY.PEEK[4.2.HEADER]",    OUTLINE,         "BODY[4.2.HEADER]"},
    {"BODY.PEEK[4.1.MIME]",      OUTLINE,         "BODY[4.1.MIME]"},
    {"BODY.PEEK[]<0.2048>",      0,               "BODY[]<0>"},
    {"BODY[1]<9223372036854775807.1>", SEEN | OUTLINE, "BODY[1]<9223372036854775807>"},
    {"BODY.PEEK[HEADER.FIELDS (Date FROM)]", OUTLINE, "BODY[HEADER.FIELDS (Date FROM)]"},
    {"BODY.PEEK[HEADER.FIELDS (\"To\" {2+}\r\nCc)]", OUTLINE, "BODY[HEADER.FIELDS (To Cc)]"},
    {"BODY.PEEK[HEADER.FIELDS (\"a b\")]", OUTLINE, "BODY[HEADER.FIELDS (\"a b\")]"},
    {"BODY.PEEK[3.HEADER.FIELDS.NOT (X)]<2.3>", OUTLINE, "BODY[3.HEADER.FIELDS.NOT (X)]<2>"},
    {"BINARY[1]",                SEEN | OUTLINE,  "BINARY[1]"},
    {"BINARY.PEEK[1.2]<5.6>",    OUTLINE,         "BINARY[1.2]<5>"},
    {"BINARY.SIZE[1]",           OUTLINE,         "BINARY.SIZE[1]"},
    {"RFC822",                   SEEN,            "RFC822"},
    {"RFC822.TEXT",              SEEN | OUTLINE,  "RFC822.TEXT"},
    {"RFC822.HEADER",            OUTLINE,         "RFC822.HEADER"},
    {"RFC822.SIZE",              0,               "RFC822.SIZE"},
    {"FLAGS (CHANGEDSINCE 5)",   FLAGS,           "FLAGS,MODSEQ"},
    {"(FLAGS MODSEQ) (CHANGEDSINCE 5)", FLAGS,    "FLAGS,MODSEQ"},
    {"FLAGS (CHANGEDSINCE 5 VANISHED)", FLAGS | UID, "UID,FLAGS,MODSEQ"},
    {"FLAGS (PARTIAL -1:-3 CHANGEDSINCE 5)", FLAGS, "FLAGS,MODSEQ"},
    {"FLAGS (PARTIAL 5:1)",      FLAGS,           "FLAGS"},
    {"(SAVEDATE EMAILID THREADID)", 0,            "SAVEDATE,EMAILID,THREADID"},
    {"PREVIEW",                  OUTLINE,         "PREVIEW"},
    {"(PREVIEW (LAZY) UID)",     OUTLINE,         "PREVIEW,UID"},
    {"PREVIEW (LAZY LAZY)",      OUTLINE,         "PREVIEW"},
    {"PREVIEW (CHANGEDSINCE 5)", OUTLINE,         "PREVIEW,MODSEQ"},
};

static const char *const bad[] = {
    "", "FOO", "FLAGSX", "FLAGS UID", "(FLAGS", "FLAGS)", "()", "( FLAGS)", "(FLAGS )", "((FLAGS))", "(ALL)", "ALL FLAGS",
    "BODY[", "BODY[]x", "BODY[0]", "BODY[1.0]", "BODY[01x]", "BODY[1.]", "BODY[.1]", "BODY[MIME]", "BODY[FOO]", "BODY[1.FOO]",
    "BODY[TEXT.1]", "BODY[4294967296]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (X]",
    "BODY[HEADER.FIELDS(X)]", "BODY[]<0>", "BODY[]<0.0>", "BODY[]<-1.1>", "BODY[]<0.1", "BODY[]<0.18446744073709551616>",
    "BODY[]<9223372036854775808.1>", "BODY[]<0.9223372036854775808>", "BODYPEEK[]", "BODY.PEEK", "BODY.FOO[]",
    "BINARY", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.1>", "BINARY.SIZE", "RFC822.FOO",
    "FLAGS (VANISHED)", "FLAGS (PARTIAL 1)", "FLAGS (PARTIAL 1:-2)", "FLAGS (PARTIAL 0:1)", "FLAGS (PARTIAL 1:*)",
    "FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 1)", "FLAGS (CHANGEDSINCE 1 VANISHED VANISHED)", "FLAGS (CHANGEDSINCE 1  VANISHED)",
    "PREVIEW(LAZY)", "PREVIEW (LAZY", "PREVIEW (LAZYX)", "(PREVIEW (FOO))", "SAVEDATES",
    "FLAGS (CHANGEDSINCE)", "FLAGS (CHANGEDSINCE x)", "FLAGS (FOO 1)", "FLAGS (CHANGEDSINCE 1", "FLAGS ()",
};
/* clang-format on */

static void fetch_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        struct scan s = scan_of(span_cstr(good[i].in));
        struct fetch_items items;
        imap_fetch_parse(&s, arena, good[i].is & UID, &items);
        if (!scan_ok(&s))
            fail_msg("\"%s\": %s", good[i].in, s.why);
        struct buf labels;
        buf_init(&labels, 4096);
        for (size_t k = 0; k < items.n; k++) {
            if (k > 0)
                buf_byte(&labels, ',');
            buf_add(&labels, items.list[k].label);
        }
        unit_assert_same(buf_span(&labels), span_cstr(good[i].labels));
        buf_fini(&labels);
        unsigned is = (items.sets_seen ? SEEN : 0u) | (items.flags ? FLAGS : 0u) |
                      (items.outline ? OUTLINE : 0u) | (good[i].is & UID);
        if (is != good[i].is)
            fail_msg("\"%s\" is %x, not %x", good[i].in, is, good[i].is);
    }
}

static void fetch_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct scan s = scan_of(span_cstr(bad[i]));
        struct fetch_items items;
        imap_fetch_parse(&s, arena, false, &items);
        if (scan_ok(&s))
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void fetch_keeps_details(void **state)
{
    (void)state;
    struct fetch_items items;
    struct scan s = scan_of(SPAN("(BODY[4.2.HEADER.FIELDS (A bc)]<7.9>) (CHANGEDSINCE 12345)"));
    imap_fetch_parse(&s, arena, false, &items);
    assert_true(scan_ok(&s));
    const struct fetch_item *item = &items.list[0];
    assert_int_equal(item->kind, FETCH_SECTION);
    assert_int_equal(item->text, FETCH_FIELDS);
    assert_int_equal(item->number_count, 2);
    assert_int_equal(item->numbers[0], 4);
    assert_int_equal(item->numbers[1], 2);
    assert_int_equal(item->field_count, 2);
    unit_assert_span(item->fields[1], "bc");
    assert_true(item->partial);
    assert_int_equal(item->from, 7);
    assert_int_equal(item->max_bytes, 9);
    assert_true(items.conditional);
    assert_int_equal(items.changedsince, 12345);
}

/* Neither the number of items, of parts nor of names is the client's to choose. */
static void fetch_has_limits(void **state)
{
    (void)state;
    static const struct {
        const char *head, *each, *tail;
        unsigned count;
        bool ok;
    } rows[] = {{"(FLAGS", " UID", ")", 63, true},
                {"(FLAGS", " UID", ")", 64, false},
                {"BODY[1", ".1", "]", 127, true},
                {"BODY[1", ".1", "]", 128, false},
                {"BODY[HEADER.FIELDS (A", " B", ")]", 199, true},
                {"BODY[HEADER.FIELDS (A", " B", ")]", 200, false}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf b;
        buf_init(&b, 1 << 16);
        buf_addz(&b, rows[i].head);
        for (unsigned k = 0; k < rows[i].count; k++)
            buf_addz(&b, rows[i].each);
        buf_addz(&b, rows[i].tail);
        struct scan s = scan_of(buf_span(&b));
        struct fetch_items items;
        imap_fetch_parse(&s, arena, false, &items);
        if (scan_ok(&s) != rows[i].ok)
            fail_msg("row %zu: %s", i, s.why);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch_takes), cmocka_unit_test(fetch_refuses),
        cmocka_unit_test(fetch_keeps_details), cmocka_unit_test(fetch_has_limits)};
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
