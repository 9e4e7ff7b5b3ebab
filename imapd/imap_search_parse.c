#include "imapd/imap_search.h"
#include "imapd/imap_object.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_search_return.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "message/fold.h"

/* Room: the grammar of SEARCH, RFC 9051 §9 search, search-program, search-key. */

#define DEPTH_COUNT 200 /* of nested keys */

#define STEM_BYTES 4 /* a fuzzy word is not cut shorter */

enum argument {
    NOTHING,
    TEXT,
    KEYWORD,
    DATE,
    NUMBER,
    FIELD,
    SET,
    SIDE,
    MODSEQ,
    OBJECT,
    INTERVAL,
    NOT_KEY,
    FUZZY_KEY,
    TWO_KEYS
};

/* A table is read by column; sorted, a longer word before the one it begins with */
/* clang-format off */
static const struct {
    struct span word;
    enum search_kind kind;
    enum argument argument;
    uint32_t flag;            /* SEARCH_FLAG */
    bool set;                 /* SEARCH_FLAG, SEARCH_KEYWORD, SEARCH_RECENT */
    enum search_when when;
    struct span field;        /* SEARCH_HEADER */
} words[] = {
    {SPAN_ROW("ALL"),               SEARCH_ALL,        NOTHING,   0,              true,  0,             {0}},
    {SPAN_ROW("ANSWERED"),          SEARCH_FLAG,       NOTHING,   FLAGS_ANSWERED, true,  0,             {0}},
    {SPAN_ROW("BCC"),               SEARCH_HEADER,     TEXT,      0,              true,  0,             SPAN_ROW("Bcc")},
    {SPAN_ROW("BEFORE"),            SEARCH_INTERNAL,   DATE,      0,              true,  SEARCH_BEFORE, {0}},
    {SPAN_ROW("BODY"),              SEARCH_BODY,       TEXT,      0,              true,  0,             {0}},
    {SPAN_ROW("CC"),                SEARCH_HEADER,     TEXT,      0,              true,  0,             SPAN_ROW("Cc")},
    {SPAN_ROW("DELETED"),           SEARCH_FLAG,       NOTHING,   FLAGS_DELETED,  true,  0,             {0}},
    {SPAN_ROW("DRAFT"),             SEARCH_FLAG,       NOTHING,   FLAGS_DRAFT,    true,  0,             {0}},
    {SPAN_ROW("EMAILID"),           SEARCH_EMAIL,      OBJECT,    0,              true,  0,             {0}},
    {SPAN_ROW("FLAGGED"),           SEARCH_FLAG,       NOTHING,   FLAGS_FLAGGED,  true,  0,             {0}},
    {SPAN_ROW("FROM"),              SEARCH_HEADER,     TEXT,      0,              true,  0,             SPAN_ROW("From")},
    {SPAN_ROW("FUZZY"),             SEARCH_GROUP,      FUZZY_KEY, 0,              true,  0,             {0}},
    {SPAN_ROW("HEADER"),            SEARCH_HEADER,     FIELD,     0,              true,  0,             {0}},
    {SPAN_ROW("KEYWORD"),           SEARCH_KEYWORD,    KEYWORD,   0,              true,  0,             {0}},
    {SPAN_ROW("LARGER"),            SEARCH_SIZE_OVER,  NUMBER,    0,              true,  0,             {0}},
    {SPAN_ROW("MODSEQ"),            SEARCH_MODSEQ,     MODSEQ,    0,              true,  0,             {0}},
    {SPAN_ROW("NEW"),               SEARCH_NEW,        NOTHING,   0,              true,  0,             {0}},
    {SPAN_ROW("NOT"),               SEARCH_GROUP,      NOT_KEY,   0,              true,  0,             {0}},
    {SPAN_ROW("OLD"),               SEARCH_RECENT,     NOTHING,   0,              false, 0,             {0}},
    {SPAN_ROW("OLDER"),             SEARCH_OLDER,      INTERVAL,  0,              true,  0,             {0}},
    {SPAN_ROW("ON"),                SEARCH_INTERNAL,   DATE,      0,              true,  SEARCH_ON,     {0}},
    {SPAN_ROW("OR"),                SEARCH_OR,         TWO_KEYS,  0,              true,  0,             {0}},
    {SPAN_ROW("RECENT"),            SEARCH_RECENT,     NOTHING,   0,              true,  0,             {0}},
    {SPAN_ROW("SAVEDATESUPPORTED"), SEARCH_ALL,        NOTHING,   0,              true,  0,             {0}},
    {SPAN_ROW("SAVEDBEFORE"),       SEARCH_SAVED,      DATE,      0,              true,  SEARCH_BEFORE, {0}},
    {SPAN_ROW("SAVEDON"),           SEARCH_SAVED,      DATE,      0,              true,  SEARCH_ON,     {0}},
    {SPAN_ROW("SAVEDSINCE"),        SEARCH_SAVED,      DATE,      0,              true,  SEARCH_SINCE,  {0}},
    {SPAN_ROW("SEEN"),              SEARCH_FLAG,       NOTHING,   FLAGS_SEEN,     true,  0,             {0}},
    {SPAN_ROW("SENTBEFORE"),        SEARCH_SENT,       DATE,      0,              true,  SEARCH_BEFORE, {0}},
    {SPAN_ROW("SENTON"),            SEARCH_SENT,       DATE,      0,              true,  SEARCH_ON,     {0}},
    {SPAN_ROW("SENTSINCE"),         SEARCH_SENT,       DATE,      0,              true,  SEARCH_SINCE,  {0}},
    {SPAN_ROW("SINCE"),             SEARCH_INTERNAL,   DATE,      0,              true,  SEARCH_SINCE,  {0}},
    {SPAN_ROW("SMALLER"),           SEARCH_SIZE_UNDER, NUMBER,    0,              true,  0,             {0}},
    {SPAN_ROW("SUBJECT"),           SEARCH_HEADER,     TEXT,      0,              true,  0,             SPAN_ROW("Subject")},
    {SPAN_ROW("TEXT"),              SEARCH_TEXT,       TEXT,      0,              true,  0,             {0}},
    {SPAN_ROW("THREADID"),          SEARCH_THREAD,     OBJECT,    0,              true,  0,             {0}},
    {SPAN_ROW("TO"),                SEARCH_HEADER,     TEXT,      0,              true,  0,             SPAN_ROW("To")},
    {SPAN_ROW("UIDAFTER"),          SEARCH_SET,        SIDE,      0,              true,  0,             {0}},
    {SPAN_ROW("UIDBEFORE"),         SEARCH_SET,        SIDE,      0,              false, 0,             {0}},
    {SPAN_ROW("UID"),               SEARCH_SET,        SET,       0,              true,  0,             {0}},
    {SPAN_ROW("UNANSWERED"),        SEARCH_FLAG,       NOTHING,   FLAGS_ANSWERED, false, 0,             {0}},
    {SPAN_ROW("UNDELETED"),         SEARCH_FLAG,       NOTHING,   FLAGS_DELETED,  false, 0,             {0}},
    {SPAN_ROW("UNDRAFT"),           SEARCH_FLAG,       NOTHING,   FLAGS_DRAFT,    false, 0,             {0}},
    {SPAN_ROW("UNFLAGGED"),         SEARCH_FLAG,       NOTHING,   FLAGS_FLAGGED,  false, 0,             {0}},
    {SPAN_ROW("UNKEYWORD"),         SEARCH_KEYWORD,    KEYWORD,   0,              false, 0,             {0}},
    {SPAN_ROW("UNSEEN"),            SEARCH_FLAG,       NOTHING,   FLAGS_SEEN,     false, 0,             {0}},
    {SPAN_ROW("YOUNGER"),           SEARCH_YOUNGER,    INTERVAL,  0,              true,  0,             {0}},
};
/* clang-format on */

struct parser {
    struct scan *s;
    struct arena *arena;
    struct search_program *program;
    struct charset *charset; /* NULL: UTF-8 */
    unsigned depth;
    unsigned fuzzy; /* so many FUZZY around the key */
};

static struct search_key *search_key(struct parser *p);

/* A search string in UTF-8, folded. Bytes that are not UTF-8 although nothing else was said are
 * read as windows-1252. */
static struct span key_text(struct parser *p)
{
    struct span raw = imap_parse_astring(p->s, p->arena);
    struct charset *own = NULL;
    if (!scan_ok(p->s))
        return SPAN("");
    if (!p->charset && !utf8_valid(raw))
        own = charset_new(SPAN("windows-1252"));
    struct charset *use = p->charset ? p->charset : own;
    struct span text = raw;
    struct buf b;
    buf_init(&b, 4u << 20);
    if (use && charset_convert(use, raw, true, &b))
        text = arena_keep(p->arena, buf_span(&b));
    buf_fini(&b);
    charset_free(&own);
    return fold_key(p->arena, text);
}

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Folded text has its accents behind the letters, U+0300 to U+036F: a fuzzy word is divided there, so that the accents
 * do not count. */
static size_t accent(struct span s)
{
    if (s.n < 2)
        return 0;
    unsigned char a = (unsigned char)s.p[0], b = (unsigned char)s.p[1];
    return (a == 0xcc && b >= 0x80) || (a == 0xcd && b <= 0xaf) ? 2 : 0;
}

/* The next word of a folded text, cut off it. */
static struct span next_word(struct span *text)
{
    size_t i = 0;
    while (text->n > 0 && (!is_letter((unsigned char)text->p[0]) || accent(*text)))
        *text = span_from(*text, accent(*text) ? 2 : 1);
    while (i < text->n && is_letter((unsigned char)text->p[i]) && !accent(span_from(*text, i)))
        i++;
    struct span word = span_to(*text, i);
    *text = span_from(*text, i);
    return word;
}

/* Without the last quarter, where inflection is; only of ASCII, where each byte is a letter. */
static struct span stem(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        if ((unsigned char)word.p[i] >= 0x80)
            return word;
    }
    size_t n = word.n - word.n / 4;
    return word.n > STEM_BYTES ? span_to(word, n > STEM_BYTES ? n : STEM_BYTES) : word;
}

/* The words of three letters or more, which may come in any order; or the text if it has none. */
static void fuzzy_words(struct parser *p, struct search_key *k)
{
    struct span *out = arena_alloc(p->arena, SEARCH_WORD_COUNT * sizeof *out);
    struct span left = k->text;
    while (left.n > 0 && k->word_count < SEARCH_WORD_COUNT) {
        struct span word = next_word(&left);
        if (word.n >= 3)
            out[k->word_count++] = stem(word);
    }
    if (k->word_count > 0)
        k->words = out;
}

/* What has to be found for a text. */
static void key_words(struct parser *p, struct search_key *k)
{
    k->text = key_text(p);
    k->fuzzy = p->fuzzy > 0;
    if (k->fuzzy)
        fuzzy_words(p, k);
    if (k->word_count == 0 && k->text.n > 0) {
        k->words = &k->text;
        k->word_count = 1;
    }
}

static const struct uidset *key_keep(struct parser *p, struct imap_set set, bool uid)
{
    if (p->program->set_count == SEARCH_SET_COUNT)
        scan_fail(p->s, "Too many sets in one search");
    if (!scan_ok(p->s))
        return NULL;
    p->program->numbers |= !uid && !set.saved;
    p->program->given[p->program->set_count] = (struct search_set){set, uid};
    return &p->program->sets[p->program->set_count++];
}

static const struct uidset *key_set(struct parser *p, bool uid)
{
    return key_keep(p, imap_parse_set(p->s, p->arena), uid);
}

/* UIDAFTER, UIDBEFORE: uniqueid, RFC 9738 §3.2; none is before 1 */
static const struct uidset *key_side(struct parser *p, bool after)
{
    uint32_t uid = scan_u32(p->s, "Expected a UID");
    if (scan_ok(p->s) && uid == 0)
        scan_fail(p->s, "Expected a UID");
    struct imap_set_range *range = arena_new_of(p->arena, struct imap_set_range);
    bool any = after ? uid < UINT32_MAX : uid > 1;
    if (any)
        *range = after ? (struct imap_set_range){uid + 1, UINT32_MAX}
                       : (struct imap_set_range){1, uid - 1};
    return key_keep(p, (struct imap_set){.ranges = range, .n = any}, true);
}

/* OLDER, YOUNGER: nz-number seconds before now, RFC 5032 §4 */
static int64_t key_interval(struct parser *p)
{
    uint32_t seconds = scan_u32(p->s, "Expected a number of seconds");
    if (seconds == 0)
        scan_fail(p->s, "Expected a number of seconds, at least 1");
    return clock_wall() - (int64_t)seconds;
}

/* EMAILID and THREADID; one that is none of ours finds nothing: RFC 8474 §6 */
static void key_object(struct parser *p, struct search_key *k)
{
    struct span text = scan_while(p->s, imap_object_is_char);
    if (text.n == 0 || text.n > 255)
        scan_fail(p->s, "Expected an object identifier");
    k->set = imap_object_of(k->kind == SEARCH_EMAIL ? IMAP_OBJECT_EMAIL : IMAP_OBJECT_THREAD, text,
                            &k->number) &&
             k->number != 0;
}

/* search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer    RFC 7162 §7: the
 * entry's name and type say nothing to us */
static uint64_t key_modseq(struct parser *p)
{
    if (scan_peek(p->s) == '"') {
        imap_parse_string(p->s, p->arena);
        imap_parse_sp(p->s);
        imap_parse_atom(p->s);
        imap_parse_sp(p->s);
    }
    p->program->modseq = true;
    return scan_u64(p->s, "Expected a MODSEQ");
}

static void key_argument(struct parser *p, struct search_key *k, enum argument argument)
{
    if (argument != NOTHING)
        imap_parse_sp(p->s);
    switch (argument) {
    case NOTHING:
        break;
    case TEXT:
        key_words(p, k);
        break;
    case FIELD:
        k->name = imap_parse_astring(p->s, p->arena);
        imap_parse_sp(p->s);
        key_words(p, k);
        break;
    case KEYWORD:
        k->name = imap_parse_atom(p->s);
        k->next_keyword = p->program->keyword_keys;
        p->program->keyword_keys = k;
        break;
    case DATE:
        k->day = imap_parse_date(p->s);
        break;
    case NUMBER:
        k->number = scan_u64(p->s, "Expected a number");
        break;
    case SET:
        k->uids = key_set(p, true);
        break;
    case SIDE:
        k->uids = key_side(p, k->set);
        break;
    case MODSEQ:
        k->number = key_modseq(p);
        break;
    case OBJECT:
        key_object(p, k);
        break;
    case INTERVAL:
        k->moment = key_interval(p);
        break;
    case NOT_KEY:
        k->negated = true;
        k->a = search_key(p);
        break;
    case FUZZY_KEY:
        p->program->fuzzy = true;
        p->fuzzy++;
        k->a = search_key(p);
        p->fuzzy--;
        break;
    case TWO_KEYS:
        k->a = search_key(p);
        imap_parse_sp(p->s);
        k->b = search_key(p);
        break;
    }
}

static void note_scan(struct parser *p, struct search_key *k)
{
    if (k->kind != SEARCH_HEADER && k->kind != SEARCH_BODY && k->kind != SEARCH_TEXT)
        return;
    if (p->program->scans == SEARCH_SCAN_COUNT) {
        scan_fail(p->s, "Too many texts in one search");
        return;
    }
    k->scan = p->program->scans;
    p->program->scan_keys[p->program->scans++] = k;
}

static unsigned cost(const struct search_key *k)
{
    if (k->kind != SEARCH_GROUP && k->kind != SEARCH_OR)
        return k->kind;
    unsigned most = 0;
    for (const struct search_key *i = k->a; i; i = i->next)
        most = i->cost > most ? i->cost : most;
    for (const struct search_key *i = k->b; i; i = i->next)
        most = i->cost > most ? i->cost : most;
    return most;
}

/* search-key *(SP search-key), cheapest first: what they find does not depend on the order, RFC
 * 9051 §6.4.4 */
static struct search_key *key_list(struct parser *p)
{
    struct search_key *first[SEARCH_TEXT + 1] = {NULL}, *last[SEARCH_TEXT + 1] = {NULL};
    do {
        struct search_key *k = search_key(p);
        if (!k)
            return NULL;
        if (last[k->cost])
            last[k->cost]->next = k;
        else
            first[k->cost] = k;
        last[k->cost] = k;
    } while (scan_try(p->s, ' '));
    struct search_key *all = NULL;
    for (unsigned i = SEARCH_TEXT + 1; i-- > 0;) {
        if (first[i]) {
            last[i]->next = all;
            all = first[i];
        }
    }
    return all;
}

static bool ends_word(const struct scan *s)
{
    int c = scan_peek(s);
    return c == -1 || c == ' ' || c == ')';
}

static struct search_key *key_word(struct parser *p, struct search_key *k)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct scan before = *p->s;
        if (!scan_try_word(p->s, words[i].word))
            continue;
        if (!ends_word(p->s)) {
            *p->s = before;
            continue;
        }
        k->kind = words[i].kind;
        p->program->dates |= k->kind == SEARCH_SENT;
        p->program->flags |=
            k->kind == SEARCH_FLAG || k->kind == SEARCH_KEYWORD || k->kind == SEARCH_NEW;
        k->flag = words[i].flag;
        k->set = words[i].set;
        k->when = words[i].when;
        k->name = words[i].field;
        key_argument(p, k, words[i].argument);
        note_scan(p, k);
        return k;
    }
    scan_fail(p->s, "Unknown search key");
    return NULL;
}

static struct search_key *search_key(struct parser *p)
{
    if (!scan_ok(p->s))
        return NULL;
    struct search_key *k = arena_new_of(p->arena, struct search_key);
    p->program->key_count++;
    int c = scan_peek(p->s);
    if (++p->depth > DEPTH_COUNT) {
        scan_fail(p->s, "The search is nested too deeply");
    } else if (c == '(') {
        scan_byte(p->s, '(', "");
        k->kind = SEARCH_GROUP;
        k->a = key_list(p);
        scan_byte(p->s, ')', "Expected ) after the search keys");
    } else if ((c >= '0' && c <= '9') || c == '*' || c == '$') {
        k->kind = SEARCH_SET;
        k->uids = key_set(p, false);
    } else {
        k = key_word(p, k);
    }
    p->depth--;
    if (!scan_ok(p->s))
        return NULL;
    k->cost = cost(k);
    return k;
}

void imap_search_parse_label(struct span label, struct search_program *out)
{
    out->bad_charset = !charset_known(label);
    if (!out->bad_charset && !span_eq_ci(label, SPAN("UTF-8")))
        out->charset = label;
}

void imap_search_parse_charset(struct scan *s, struct arena *a, struct search_program *out)
{
    if (!scan_try_word(s, SPAN("CHARSET ")))
        return;
    struct span label = imap_parse_astring(s, a);
    imap_parse_sp(s);
    out->charset_given = true;
    if (scan_ok(s))
        imap_search_parse_label(label, out);
}

/* Message numbers beyond the end of the mailbox are no error in a search, RFC 7377 §2: what is there of a range counts. */
static void resolve_numbers(struct imap_view *v, const struct imap_set *set, struct uidset *out)
{
    uint32_t count = uidset_count(&v->uids);
    uidset_clear(out);
    struct imap_set_range *ranges = mem_alloc((set->n + 1) * sizeof *ranges);
    struct imap_set there = {.ranges = ranges};
    for (size_t i = 0; i < set->n; i++) {
        uint32_t a = set->ranges[i].first == IMAP_SET_STAR ? count : set->ranges[i].first;
        uint32_t b = set->ranges[i].last == IMAP_SET_STAR ? count : set->ranges[i].last;
        uint32_t first = a < b ? a : b, last = a < b ? b : a;
        if (first > 0 && first <= count)
            ranges[there.n++] = (struct imap_set_range){first, last < count ? last : count};
    }
    (void)imap_view_resolve(v, &there, false, out); /* all of them are there */
    mem_free(ranges);
}

void imap_search_parse_resolve(struct search_program *p, struct imap_view *v,
                               const struct uidset *uids)
{
    struct imap_view other = {0};
    if (!v)
        uidset_copy(&other.uids, uids);
    for (unsigned i = 0; i < p->set_count; i++) {
        const struct imap_set *set = &p->given[i].set;
        if (p->given[i].uid || set->saved)
            (void)imap_view_resolve(v ? v : &other, set, true, &p->sets[i]); /* never fails */
        else
            resolve_numbers(v ? v : &other, set, &p->sets[i]);
    }
    uidset_fini(&other.uids);
}

void imap_search_parse_keys(struct scan *s, struct arena *a, struct imap_view *v,
                            struct search_program *out)
{
    struct parser p = {.s = s, .arena = a, .program = out};
    if (out->bad_charset)
        return;
    if (out->charset.n > 0)
        p.charset = charset_new(out->charset);
    out->keys = key_list(&p);
    charset_free(&p.charset);
    scan_end(s, "Something follows the search keys");
    if (scan_ok(s) && (out->returns & SEARCH_RELEVANCY) && !out->fuzzy) /* RFC 6203 §4 */
        scan_fail(s, "RELEVANCY is only for searches with FUZZY");
    if (scan_ok(s) && v)
        imap_search_parse_resolve(out, v, NULL);
}

void imap_search_parse(struct scan *s, struct arena *a, struct imap_view *v,
                       struct search_program *out)
{
    *out = (struct search_program){0};
    imap_search_return_parse(s, out);
    imap_search_parse_charset(s, a, out);
    imap_search_parse_keys(s, a, v, out);
}

const char *imap_search_parse_against(const struct imap_session *s, const struct search_program *p)
{
    if (p->charset_given && (s->enabled & IMAP_UTF8))
        return "No CHARSET after ENABLE UTF8=ACCEPT";
    if (p->numbers && (s->enabled & IMAP_UIDONLY))
        return "[UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled";
    return NULL;
}

void imap_search_parse_end(struct search_program *p)
{
    for (unsigned i = 0; i < p->set_count; i++)
        uidset_fini(&p->sets[i]);
}
