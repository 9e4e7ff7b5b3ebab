#include "imapd/imap_search.h"

#include "tests/unit/unit.h"

static struct arena *arena, *scratch;
static struct imap_session session;
static struct imap_view view = {.session = &session, .recent_from = 12};
static unsigned char score; /* of the last answer */
static const struct span keywords[] = {SPAN_ROW("$Junk"), SPAN_ROW("Work")};

/* UIDs 10..14 */
static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    scratch = arena_new();
    uidset_add(&view.uids, 10, 14);
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

/* As the walk does for each mailbox. */
static void resolve_keywords(struct search_program *p)
{
    for (struct search_key *k = p->keyword_keys; k; k = k->next_keyword) {
        for (size_t i = 0; i < UNIT_COUNT(keywords); i++) {
            if (span_eq_ci(keywords[i], k->name)) {
                k->known = true;
                k->bit = i;
            }
        }
    }
}

/* One message against a search; its outline and its header have been read. scans:
 * "y", "n" or "?" for each key that is no HEADER. */
static enum search_answer answer(const struct msg *row, const char *header, const char *search,
                                 const char *scans, unsigned *scan_out)
{
    struct search_program p;
    struct search_scan scan;
    struct scan s = scan_of(span_cstr(search));
    imap_search_parse(&s, arena, &view, &p);
    if (!scan_ok(&s))
        fail_msg("\"%s\": %s", search, s.why);
    resolve_keywords(&p);
    struct search_message m = {
        .view = &view, .arena = scratch, .msg = row, .have_outline = true, .have_header = true};
    m.outline.dated = true;
    m.outline.sent = (struct date){.utc = 760665600}; /* 8-Feb-1994 00:00:00 +0000 */
    buf_init(&m.header, 65536);
    buf_addz(&m.header, header);
    imap_search_scan_init(&scan, &p);
    imap_search_scan_reset(&scan, &m);
    for (unsigned i = 0; i < p.scans; i++) {
        if (p.scan_keys[i]->kind != SEARCH_HEADER)
            m.scanned[i] = scans[i] == 'y'   ? SEARCH_YES
                           : scans[i] == 'n' ? SEARCH_NO
                                             : SEARCH_NEEDS_SCAN;
    }
    enum search_answer got;
    do {
        got = imap_search_match(&m, p.keys, scan_out);
        if (got == SEARCH_NEEDS_SCAN && p.scan_keys[*scan_out]->kind == SEARCH_HEADER)
            imap_search_scan_step(&scan, &m, *scan_out);
    } while (got == SEARCH_NEEDS_SCAN && p.scan_keys[*scan_out]->kind == SEARCH_HEADER);
    score = imap_search_match_score(&m, &p);
    imap_search_scan_fini(&scan);
    imap_search_parse_end(&p);
    buf_fini(&m.header);
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
    {"HEADER Sub hello", false}, {"HEADER x-a \"one two\"", false}, {"HEADER X-A one HEADER X-A two", true},
    {"OR HEADER X-B a HEADER X-A two", true}, {"NOT HEADER X-B \"\"", true},
    {"SAVEDON 9-Feb-1994", true}, {"SAVEDBEFORE 9-Feb-1994", false}, {"SAVEDSINCE 9-Feb-1994", true}, {"SAVEDSINCE 10-Feb-1994", false},
    {"SAVEDATESUPPORTED", true}, {"NOT SAVEDATESUPPORTED", false}, {"OLDER 3600", true}, {"YOUNGER 3600", false}, {"YOUNGER 4294967295", true},
    {"EMAILID M00000000000004d2", true}, {"EMAILID M00000000000004d3", false}, {"EMAILID T00000000000004d2", false},
    {"EMAILID x", false}, {"THREADID T0000000000000007", true}, {"THREADID T0000000000000000", false}, {"THREADID M0000000000000007", false},
    /* words of three letters or more in any order, accents aside, without the last quarter of a word */
    {"FUZZY SUBJECT \"wide hello\"", true}, {"SUBJECT \"wide hello\"", false}, {"FUZZY SUBJECT \"wide of hello\"", true},
    {"FUZZY SUBJECT helloing", false}, {"FUZZY SUBJECT worlds", true}, {"FUZZY SUBJECT \"hello moon\"", false}, {"FUZZY SUBJECT hi", false},
    {"FUZZY NOT SUBJECT worlds", false}, {"FUZZY SEEN", true},
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
                            .blob = 1234,
                            .thread = 7,
                            .saved = 760838399, /* 9-Feb-1994 23:59:59 +0000 */
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

/* The text itself is worth more than its words. */
static void match_scores(void **state)
{
    (void)state;
    static const struct {
        const char *search;
        unsigned char score;
    } table[] = {{"FUZZY SUBJECT \"hello world\"", 100},
                 {"FUZZY SUBJECT \"world hello\"", 50},
                 {"FUZZY BODY a", 30},
                 {"FUZZY (SUBJECT \"hello world\" BODY a)", 65},
                 {"FUZZY SEEN", 100}};
    const struct msg row = {.uid = 12, .flags = FLAGS_SEEN};
    for (size_t i = 0; i < UNIT_COUNT(table); i++) {
        unsigned scan = 0;
        enum search_answer got = answer(&row, "Subject: hello world\r\n\r\n", table[i].search,
                                        strstr(table[i].search, "(") ? "?y" : "y", &scan);
        assert_int_equal(got, SEARCH_YES);
        assert_int_equal(score, table[i].score);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(match_rows), cmocka_unit_test(match_scans),
                                       cmocka_unit_test(match_recent),
                                       cmocka_unit_test(match_scores)};
    return cmocka_run_group_tests(tests, begin, end);
}
