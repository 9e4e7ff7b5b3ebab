#include "imapd/imap_search.h"

#include "tests/unit/unit.h"

static struct arena *arena;
static struct imap_view view;

/* UIDs 10..14 */
static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    uidset_add(&view.uids, 10, 14);
    uidset_add(&view.saved, 12, 13);
    return 0;
}

static int end(void **state)
{
    (void)state;
    uidset_fini(&view.uids);
    uidset_fini(&view.saved);
    arena_free(&arena);
    return 0;
}

static bool parse(const char *text, struct search_program *out)
{
    struct scan s = scan_of(span_cstr(text));
    imap_search_parse(&s, arena, &view, out);
    return scan_ok(&s);
}

/* --- a program as text: kinds in the order they run, "!" for a negated key --- */

static void say(struct buf *b, const struct search_key *k)
{
    static const char *const names[] = {
        [SEARCH_ALL] = "all",         [SEARCH_FLAG] = "flag",       [SEARCH_RECENT] = "recent",
        [SEARCH_NEW] = "new",         [SEARCH_KEYWORD] = "keyword", [SEARCH_SET] = "set",
        [SEARCH_SIZE_OVER] = ">",     [SEARCH_SIZE_UNDER] = "<",    [SEARCH_MODSEQ] = "modseq",
        [SEARCH_INTERNAL] = "date",   [SEARCH_SAVED] = "saved",     [SEARCH_OLDER] = "older",
        [SEARCH_YOUNGER] = "younger", [SEARCH_EMAIL] = "email",     [SEARCH_THREAD] = "thread",
        [SEARCH_GROUP] = "",          [SEARCH_OR] = "or",           [SEARCH_SENT] = "sent",
        [SEARCH_HEADER] = "header",   [SEARCH_BODY] = "body",       [SEARCH_TEXT] = "text"};
    for (; k; k = k->next) {
        buf_addf(b, "%s%s", k->negated ? "!" : "", names[k->kind]);
        if (k->a) {
            buf_byte(b, '(');
            say(b, k->a);
            if (k->b) {
                buf_byte(b, '|');
                say(b, k->b);
            }
            buf_byte(b, ')');
        }
        if (k->next)
            buf_byte(b, ' ');
    }
}

/* clang-format off */
static const struct {
    const char *in, *program;
} good[] = {
    {"ALL",                             "all"},
    {"all",                             "all"},
    {"SEEN UNSEEN",                     "flag flag"},
    {"RECENT OLD NEW",                  "recent recent new"},
    {"KEYWORD $Junk UNKEYWORD x",       "keyword keyword"},
    {"1:3",                             "set"},
    {"*",                               "set"},
    {"$",                               "set"},
    {"UID 1:*",                         "set"},
    {"UID $",                           "set"},
    {"LARGER 1 SMALLER 2",              "> <"},
    {"BEFORE 1-Feb-1994 ON \"01-Feb-1994\" SINCE 1-feb-1994", "date date date"},
    {"SENTBEFORE 1-Feb-1994 SENTON 1-Feb-1994 SENTSINCE 1-Feb-1994", "sent sent sent"},
    {"FROM a TO b CC c BCC d SUBJECT e HEADER f g", "header header header header header header"},
    {"NOT SEEN",                        "!(flag)"},
    {"NOT NOT SEEN",                    "!(!(flag))"},
    {"OR SEEN (DRAFT NEW)",             "or(flag|(flag new))"},
    {"(ALL)",                           "(all)"},
    {"((ALL) (SEEN))",                  "((all) (flag))"},
    {"MODSEQ 5",                        "modseq"},
    {"MODSEQ \"/flags/\\\\draft\" all 5", "modseq"},
    /* cheap keys first, whatever the client's order; a group costs what its dearest key costs */
    {"TEXT x BODY y SUBJECT z SENTON 1-Feb-1994 SEEN", "flag sent header body text"},
    {"NOT BODY x SEEN OR ALL TEXT y",   "flag !(body) or(all|text)"},
    {"CHARSET UTF-8 SEEN",              "flag"},
    {"CHARSET \"us-ascii\" SEEN",       "flag"},
    {"SUBJECT {3+}\r\na b SEEN",        "flag header"},
    {"TEXT \"\"",                       "text"},
    {"OLDER 1 YOUNGER 259200",          "older younger"},
    {"SAVEDBEFORE 1-Feb-1994 SAVEDON 1-Feb-1994 SAVEDSINCE 1-Feb-1994 SAVEDATESUPPORTED", "all saved saved saved"},
    {"EMAILID M6d99ac3275bb4e THREADID T-_9", "email thread"},
    {"FUZZY TEXT x",                    "(text)"},
    {"FUZZY (SUBJECT \"IMAP break\" SEEN)", "((flag header))"},
    {"NOT FUZZY NOT SEEN",              "!((!(flag)))"},
};

static const char *const bad[] = {
    "", " ", "FOO", "ALLSEEN", "ALL ", "ALL  SEEN", " ALL", "(ALL", "ALL)", "()", "NOT", "NOT ", "OR ALL", "OR", "KEYWORD", "KEYWORD ",
    "KEYWORD \\Seen", "UID", "UID x", "0", "1:", "1:0", "LARGER", "LARGER x", "LARGER -1", "BEFORE", "BEFORE 30-Feb-1994",
    "BEFORE 1994-02-01", "BEFORE \"1-Feb-1994", "SUBJECT", "HEADER a", "HEADER", "MODSEQ", "MODSEQ x", "MODSEQ \"/flags/x\" 5",
    "CHARSET", "CHARSET UTF-8", "CHARSET UTF-8 ", "RETURN", "RETURN ALL", "RETURN (ALL", "RETURN (FOO) ALL", "RETURN (MINMAX) ALL",
    "RETURN (ALL)", "RETURN (ALL)SEEN",
    "OLDER 0", "YOUNGER", "YOUNGER -1", "OLDER 4294967296", "SAVEDON", "SAVEDDATE 1-Feb-1994", "EMAILID", "EMAILID (M1)", "THREADID \"T1\"", "FUZZY", "FUZZY FOO",
    "RETURN (PARTIAL) ALL", "RETURN (PARTIAL 1) ALL", "RETURN (PARTIAL 0:1) ALL", "RETURN (PARTIAL 1:*) ALL", "RETURN (PARTIAL -1:2) ALL", "RETURN (PARTIAL 1:-2) ALL",
    "RETURN (PARTIAL 1:2 ALL) ALL", "RETURN (ALL PARTIAL 1:2) ALL", "RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL", "RETURN (RELEVANCY) ALL", "RETURN (PARTIAL 1:4294967296) ALL", "SUBJECT {3}\r\nab",
};
/* clang-format on */

static void search_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        struct search_program p;
        if (!parse(good[i].in, &p))
            fail_msg("\"%s\" was refused", good[i].in);
        struct buf b;
        buf_init(&b, 4096);
        say(&b, p.keys);
        unit_assert_same(buf_span(&b), span_cstr(good[i].program));
        buf_fini(&b);
        imap_search_parse_end(&p);
    }
}

static void search_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct search_program p;
        if (parse(bad[i], &p))
            fail_msg("\"%s\" was taken", bad[i]);
        imap_search_parse_end(&p);
    }
}

static void search_returns(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool extended;
        unsigned returns;
    } rows[] = {{"ALL", false, 0},
                {"RETURN () ALL", true, SEARCH_LIST},
                {"RETURN (ALL) ALL", true, SEARCH_LIST},
                {"return (min max) ALL", true, SEARCH_MIN | SEARCH_MAX},
                {"RETURN (COUNT SAVE) CHARSET UTF-8 ALL", true, SEARCH_COUNT | SEARCH_SAVE},
                {"RETURN (PARTIAL 1:100) ALL", true, SEARCH_PARTIAL},
                {"RETURN (MIN PARTIAL -1:-100 COUNT) ALL", true,
                 SEARCH_MIN | SEARCH_PARTIAL | SEARCH_COUNT},
                {"RETURN (RELEVANCY ALL) FUZZY SEEN", true, SEARCH_RELEVANCY | SEARCH_LIST},
                {"RETURN (SAVE) 1", true, SEARCH_SAVE}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_program p;
        assert_true(parse(rows[i].in, &p));
        assert_int_equal(p.extended, rows[i].extended);
        assert_int_equal(p.returns, rows[i].returns);
        imap_search_parse_end(&p);
    }
}

/* Numbers become UIDs; what is not there matches nothing. */
static void search_resolves_sets(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint32_t first, last;
    } rows[] = {{"2", 11, 11},         {"*", 14, 14},     {"4:*", 13, 14}, {"6", 0, 0},
                {"4:100", 13, 14},     {"100:5", 14, 14}, {"6:*", 14, 14}, {"7:8,2", 11, 11},
                {"UID 11:12", 11, 12}, {"UID 1", 0, 0},   {"$", 12, 13},   {"UID $", 12, 13}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_program p;
        assert_true(parse(rows[i].in, &p));
        assert_int_equal(uidset_first(p.keys->uids), rows[i].first);
        assert_int_equal(uidset_last(p.keys->uids), rows[i].last);
        imap_search_parse_end(&p);
    }
}

/* Keys are in UTF-8 and folded, whatever charset they came in. */
static void search_reads_keys(void **state)
{
    (void)state;
    static const struct {
        const char *in, *key;
    } rows[] = {{"SUBJECT abc", "ABC"},
                {"CHARSET UTF-8 SUBJECT \"\xc3\xa9\"", "E\xcc\x81"},
                {"CHARSET ISO-8859-1 SUBJECT {1+}\r\n\xe9", "E\xcc\x81"},
                {"SUBJECT \"\xc3\xa9\"", "E\xcc\x81"},
                {"SUBJECT {1+}\r\n\xe9", "E\xcc\x81"},
                {"CHARSET KOI8-R SUBJECT {1+}\r\n\xcd", "\xd0\x9c"}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct search_program p;
        assert_true(parse(rows[i].in, &p));
        unit_assert_same(p.keys->text, span_cstr(rows[i].key));
        imap_search_parse_end(&p);
    }
    struct search_program p;
    assert_true(parse("CHARSET X-NOBODY FOO", &p));
    assert_true(p.bad_charset);
    imap_search_parse_end(&p);
    assert_true(parse("MODSEQ 7", &p));
    assert_true(p.modseq);
    assert_int_equal(p.keys->number, 7);
    imap_search_parse_end(&p);
}

static void search_has_limits(void **state)
{
    (void)state;
    static const struct {
        const char *each, *tail;
        unsigned count;
        bool ok;
    } rows[] = {{"NOT ", "ALL", 199, true},
                {"NOT ", "ALL", 200, false},
                {"OR ALL ", "ALL", 150, true},
                {"OR ALL ", "ALL", 100000, false},
                {"(", "ALL", 100000, false},
                {"BODY x ", "ALL", SEARCH_SCAN_COUNT, true},
                {"BODY x ", "ALL", SEARCH_SCAN_COUNT + 1, false},
                {"1 ", "ALL", 64, true},
                {"1 ", "ALL", 65, false}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        for (unsigned k = 0; k < rows[i].count; k++)
            buf_addz(&b, rows[i].each);
        buf_addz(&b, rows[i].tail);
        struct search_program p;
        struct scan s = scan_of(buf_span(&b));
        imap_search_parse(&s, arena, &view, &p);
        if (scan_ok(&s) != rows[i].ok)
            fail_msg("row %zu", i);
        imap_search_parse_end(&p);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_takes),      cmocka_unit_test(search_refuses),
        cmocka_unit_test(search_returns),    cmocka_unit_test(search_resolves_sets),
        cmocka_unit_test(search_reads_keys), cmocka_unit_test(search_has_limits)};
    return cmocka_run_group_tests(tests, begin, end);
}
