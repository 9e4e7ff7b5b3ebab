#include "imapd/imap_search.h"

#include "message/fold.h"
#include "tests/unit/unit.h"

static struct arena *arena, *scratch;
static struct imap_session session;
static struct imap_view view = {.session = &session, .recent_from = 12};
static const struct span keywords[] = {SPAN_ROW("$Junk"), SPAN_ROW("Work")};

/* UIDs 10..14 */
static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    scratch = arena_new();
    uidset_add(&view.uids, 10, 14);
    view.keywords = keywords;
    view.keyword_count = 2;
    return 0;
}

static int end(void **state)
{
    (void)state;
    uidset_fini(&view.uids);
    arena_free(&arena);
    arena_free(&scratch);
    return 0;
}

/* One message against a search; its outline has been read, and its header keys are answered. scans:
 * "y", "n" or "?" for each key. */
static enum search_answer answer(const struct msg *row, const char *header, const char *search,
                                 const char *scans, unsigned *scan_out)
{
    struct search_program p;
    struct scan s = scan_of(span_cstr(search));
    imap_search_parse(&s, arena, &view, &p);
    if (!scan_ok(&s))
        fail_msg("\"%s\": %s", search, s.why);
    struct search_message m = {
        .view = &view, .arena = scratch, .msg = row, .have_outline = true, .have_header = true};
    m.outline.dated = true;
    m.outline.sent = (struct date){.utc = 760665600}; /* 8-Feb-1994 00:00:00 +0000 */
    for (unsigned i = 0; i < p.scans; i++) {
        const struct search_key *k = p.scan_keys[i];
        bool yes = k->kind == SEARCH_HEADER
                       ? imap_search_match_field(scratch, span_cstr(header), k->name, k->text)
                       : scans[i] == 'y';
        m.scanned[i] = yes                                           ? SEARCH_YES
                       : k->kind == SEARCH_HEADER || scans[i] == 'n' ? SEARCH_NO
                                                                     : SEARCH_NEEDS_SCAN;
    }
    enum search_answer got = imap_search_match(&m, p.keys, scan_out);
    imap_search_parse_end(&p);
    return got;
}

/* clang-format off */
/* UID 12, \Seen and \Flagged, keyword Work, 1000 bytes, MODSEQ 77, 7-Feb-1994 23:30:00 -0800 */
static const struct {
    const char *search;
    bool yes;
} rows[] = {
    {"ALL", true},            {"SEEN", true},             {"UNSEEN", false},         {"FLAGGED", true},
    {"UNFLAGGED", false},     {"ANSWERED", false},        {"UNANSWERED", true},      {"DELETED", false},
    {"UNDELETED", true},      {"DRAFT", false},           {"UNDRAFT", true},         {"RECENT", true},
    {"OLD", false},           {"NEW", false},             {"KEYWORD work", true},    {"KEYWORD $Junk", false},
    {"UNKEYWORD $junk", true},{"UNKEYWORD Work", false},  {"KEYWORD None", false},   {"UNKEYWORD None", true},
    {"3", true},              {"1:2,4", false},           {"UID 12", true},          {"UID 3", false},
    {"LARGER 999", true},     {"LARGER 1000", false},     {"SMALLER 1001", true},    {"SMALLER 1000", false},
    {"MODSEQ 77", true},      {"MODSEQ 78", false},
    {"BEFORE 8-Feb-1994", true}, {"BEFORE 7-Feb-1994", false}, {"ON 7-Feb-1994", true}, {"ON 8-Feb-1994", false},
    {"SINCE 7-Feb-1994", true},  {"SINCE 8-Feb-1994", false},
    {"SENTON 8-Feb-1994", true}, {"SENTBEFORE 8-Feb-1994", false}, {"SENTSINCE 8-Feb-1994", true}, {"SENTSINCE 9-Feb-1994", false},
    {"NOT SEEN", false},      {"NOT NOT SEEN", true},     {"OR UNSEEN FLAGGED", true}, {"OR UNSEEN UNFLAGGED", false},
    {"SEEN FLAGGED", true},   {"SEEN DRAFT", false},      {"(SEEN (FLAGGED))", true},  {"NOT (SEEN DRAFT)", true},
    {"SUBJECT hello", true},  {"SUBJECT HELLO", true},    {"SUBJECT goodbye", false},  {"SUBJECT \"\"", true},
    {"SUBJECT \"hello wide world\"", true},               {"CC \"\"", false},          {"FROM jost", false},
    {"CHARSET UTF-8 FROM \"J\xc3\x96RG\"", true},         {"HEADER X-A two", true},    {"HEADER x-a \"\"", true},
    {"HEADER X-B \"\"", false},                           {"TO tim FROM joe", false},
};
/* clang-format on */

static void match_rows(void **state)
{
    (void)state;
    static const char header[] = "From: =?ISO-8859-1?Q?J=F6rg?= <x@x.example>\r\n"
                                 "To: tim@x.example\r\n"
                                 "Subject: =?us-ascii?Q?hello_wide?=\r\n world\r\n"
                                 "X-A: one\r\nX-A: two\r\n\r\n";
    const struct msg row = {.uid = 12,
                            .flags = FLAGS_SEEN | FLAGS_FLAGGED,
                            .keywords = SPAN("\2"),
                            .bytes = 1000,
                            .modseq = 77,
                            .internal = {.utc = 760692600, .zone_minutes = -480}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        unsigned scan = 99;
        enum search_answer got = answer(&row, header, rows[i].search, "", &scan);
        if (got != (rows[i].yes ? SEARCH_YES : SEARCH_NO))
            fail_msg("\"%s\": %d", rows[i].search, got);
    }
}

/* A body is scanned only when the answer hangs on it, and the scan that is asked for is one that is open. */
static void match_scans(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *search, *scans; enum search_answer answer; unsigned scan; } table[] = {
        {"BODY a",               "?",  SEARCH_NEEDS_SCAN, 0},
        {"BODY a",               "y",  SEARCH_YES,        0},
        {"BODY a",               "n",  SEARCH_NO,         0},
        {"NOT BODY a",           "?",  SEARCH_NEEDS_SCAN, 0},
        {"NOT BODY a",           "y",  SEARCH_NO,         0},
        {"NOT BODY a",           "n",  SEARCH_YES,        0},
        {"SEEN BODY a",          "?",  SEARCH_NO,         0},
        {"UNSEEN BODY a",        "?",  SEARCH_NEEDS_SCAN, 0},
        {"BODY a BODY b",        "??", SEARCH_NEEDS_SCAN, 0},
        {"BODY a BODY b",        "y?", SEARCH_NEEDS_SCAN, 1},
        {"BODY a BODY b",        "n?", SEARCH_NO,         0},
        {"BODY a BODY b",        "?n", SEARCH_NO,         0},
        {"BODY a BODY b",        "yy", SEARCH_YES,        0},
        {"OR BODY a BODY b",     "??", SEARCH_NEEDS_SCAN, 0},
        {"OR BODY a BODY b",     "n?", SEARCH_NEEDS_SCAN, 1},
        {"OR BODY a BODY b",     "?y", SEARCH_YES,        0},
        {"OR BODY a BODY b",     "nn", SEARCH_NO,         0},
        {"OR UNSEEN BODY a",     "?",  SEARCH_YES,        0},
        {"OR BODY a SEEN",       "?",  SEARCH_NEEDS_SCAN, 0},
        {"NOT (BODY a TEXT b)",  "n?", SEARCH_YES,        0},
        {"NOT (BODY a TEXT b)",  "y?", SEARCH_NEEDS_SCAN, 1},
        {"NOT OR BODY a TEXT b", "?y", SEARCH_NO,         0},
    };
    /* clang-format on */
    const struct msg row = {.uid = 10};
    for (size_t i = 0; i < UNIT_COUNT(table); i++) {
        unsigned scan = 0;
        enum search_answer got = answer(&row, "\r\n", table[i].search, table[i].scans, &scan);
        if (got != table[i].answer || (got == SEARCH_NEEDS_SCAN && scan != table[i].scan))
            fail_msg("\"%s\" with %s: %d, scan %u", table[i].search, table[i].scans, got, scan);
    }
}

/* rev2 has no \Recent: nothing is. */
static void match_recent(void **state)
{
    (void)state;
    const struct msg row = {.uid = 12};
    unsigned scan = 0;
    assert_int_equal(answer(&row, "", "NEW", "", &scan), SEARCH_YES);
    session.enabled = IMAP_REV2;
    assert_int_equal(answer(&row, "", "NEW", "", &scan), SEARCH_NO);
    assert_int_equal(answer(&row, "", "OLD", "", &scan), SEARCH_YES);
    session.enabled = 0;
}

static void match_fields(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *name, *key; bool yes; } table[] = {
        {"Subject", "a", true}, {"subject", "A B", true}, {"Subject", "c", false}, {"Sub", "a", false},
        {"", "a b", true}, {"", "x-long", true}, {"", "subject", true}, {"X-Long", "one two", true}, {"X-Empty", "", true},
        {"X-None", "", false}, {"X-Empty", "x", false},
    };
    /* clang-format on */
    static const char header[] = "Subject: a b\r\nX-Long: one\r\n two\r\nX-Empty:\r\n\r\nc";
    for (size_t i = 0; i < UNIT_COUNT(table); i++) {
        struct span key = fold_key(arena, span_cstr(table[i].key));
        bool got =
            imap_search_match_field(scratch, span_cstr(header), span_cstr(table[i].name), key);
        if (got != table[i].yes)
            fail_msg("\"%s\" \"%s\"", table[i].name, table[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(match_rows), cmocka_unit_test(match_scans),
                                       cmocka_unit_test(match_recent),
                                       cmocka_unit_test(match_fields)};
    return cmocka_run_group_tests(tests, begin, end);
}
