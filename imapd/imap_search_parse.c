#include "imapd/imap_search.h"
#include "imapd/imap_parse.h"
#include "common/utf8.h"
#include "message/fold.h"

/* Room: the grammar of SEARCH, RFC 9051 §9 search, search-program, search-key. */

#define DEPTH_COUNT 200 /* of nested keys */

enum argument { NOTHING, TEXT, KEYWORD, DATE, NUMBER, FIELD, SET, MODSEQ, ONE_KEY, TWO_KEYS };

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
    {SPAN_ROW("ALL"),        SEARCH_ALL,        NOTHING,  0,              true,  0,             {0}},
    {SPAN_ROW("ANSWERED"),   SEARCH_FLAG,       NOTHING,  FLAGS_ANSWERED, true,  0,             {0}},
    {SPAN_ROW("BCC"),        SEARCH_HEADER,     TEXT,     0,              true,  0,             SPAN_ROW("Bcc")},
    {SPAN_ROW("BEFORE"),     SEARCH_INTERNAL,   DATE,     0,              true,  SEARCH_BEFORE, {0}},
    {SPAN_ROW("BODY"),       SEARCH_BODY,       TEXT,     0,              true,  0,             {0}},
    {SPAN_ROW("CC"),         SEARCH_HEADER,     TEXT,     0,              true,  0,             SPAN_ROW("Cc")},
    {SPAN_ROW("DELETED"),    SEARCH_FLAG,       NOTHING,  FLAGS_DELETED,  true,  0,             {0}},
    {SPAN_ROW("DRAFT"),      SEARCH_FLAG,       NOTHING,  FLAGS_DRAFT,    true,  0,             {0}},
    {SPAN_ROW("FLAGGED"),    SEARCH_FLAG,       NOTHING,  FLAGS_FLAGGED,  true,  0,             {0}},
    {SPAN_ROW("FROM"),       SEARCH_HEADER,     TEXT,     0,              true,  0,             SPAN_ROW("From")},
    {SPAN_ROW("HEADER"),     SEARCH_HEADER,     FIELD,    0,              true,  0,             {0}},
    {SPAN_ROW("KEYWORD"),    SEARCH_KEYWORD,    KEYWORD,  0,              true,  0,             {0}},
    {SPAN_ROW("LARGER"),     SEARCH_SIZE_OVER,  NUMBER,   0,              true,  0,             {0}},
    {SPAN_ROW("MODSEQ"),     SEARCH_MODSEQ,     MODSEQ,   0,              true,  0,             {0}},
    {SPAN_ROW("NEW"),        SEARCH_NEW,        NOTHING,  0,              true,  0,             {0}},
    {SPAN_ROW("NOT"),        SEARCH_GROUP,      ONE_KEY,  0,              true,  0,             {0}},
    {SPAN_ROW("OLD"),        SEARCH_RECENT,     NOTHING,  0,              false, 0,             {0}},
    {SPAN_ROW("ON"),         SEARCH_INTERNAL,   DATE,     0,              true,  SEARCH_ON,     {0}},
    {SPAN_ROW("OR"),         SEARCH_OR,         TWO_KEYS, 0,              true,  0,             {0}},
    {SPAN_ROW("RECENT"),     SEARCH_RECENT,     NOTHING,  0,              true,  0,             {0}},
    {SPAN_ROW("SEEN"),       SEARCH_FLAG,       NOTHING,  FLAGS_SEEN,     true,  0,             {0}},
    {SPAN_ROW("SENTBEFORE"), SEARCH_SENT,       DATE,     0,              true,  SEARCH_BEFORE, {0}},
    {SPAN_ROW("SENTON"),     SEARCH_SENT,       DATE,     0,              true,  SEARCH_ON,     {0}},
    {SPAN_ROW("SENTSINCE"),  SEARCH_SENT,       DATE,     0,              true,  SEARCH_SINCE,  {0}},
    {SPAN_ROW("SINCE"),      SEARCH_INTERNAL,   DATE,     0,              true,  SEARCH_SINCE,  {0}},
    {SPAN_ROW("SMALLER"),    SEARCH_SIZE_UNDER, NUMBER,   0,              true,  0,             {0}},
    {SPAN_ROW("SUBJECT"),    SEARCH_HEADER,     TEXT,     0,              true,  0,             SPAN_ROW("Subject")},
    {SPAN_ROW("TEXT"),       SEARCH_TEXT,       TEXT,     0,              true,  0,             {0}},
    {SPAN_ROW("TO"),         SEARCH_HEADER,     TEXT,     0,              true,  0,             SPAN_ROW("To")},
    {SPAN_ROW("UID"),        SEARCH_SET,        SET,      0,              true,  0,             {0}},
    {SPAN_ROW("UNANSWERED"), SEARCH_FLAG,       NOTHING,  FLAGS_ANSWERED, false, 0,             {0}},
    {SPAN_ROW("UNDELETED"),  SEARCH_FLAG,       NOTHING,  FLAGS_DELETED,  false, 0,             {0}},
    {SPAN_ROW("UNDRAFT"),    SEARCH_FLAG,       NOTHING,  FLAGS_DRAFT,    false, 0,             {0}},
    {SPAN_ROW("UNFLAGGED"),  SEARCH_FLAG,       NOTHING,  FLAGS_FLAGGED,  false, 0,             {0}},
    {SPAN_ROW("UNKEYWORD"),  SEARCH_KEYWORD,    KEYWORD,  0,              false, 0,             {0}},
    {SPAN_ROW("UNSEEN"),     SEARCH_FLAG,       NOTHING,  FLAGS_SEEN,     false, 0,             {0}},
};
static const struct {
    struct span word;
    unsigned bit;
} options[] = {{SPAN_ROW("MIN"), SEARCH_MIN}, {SPAN_ROW("MAX"), SEARCH_MAX}, {SPAN_ROW("COUNT"), SEARCH_COUNT}, {SPAN_ROW("ALL"), SEARCH_LIST}, {SPAN_ROW("SAVE"), SEARCH_SAVE}};
/* clang-format on */

struct parser {
    struct scan *s;
    struct arena *arena;
    struct imap_view *view;
    struct search_program *program;
    struct charset *charset; /* NULL: UTF-8 */
    unsigned depth;
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

static const struct uidset *key_set(struct parser *p, bool uid)
{
    struct imap_set set = imap_parse_set(p->s, p->arena);
    if (p->program->set_count == SEARCH_SET_COUNT)
        scan_fail(p->s, "Too many sets in one search");
    if (!scan_ok(p->s))
        return NULL;
    struct uidset *out = &p->program->sets[p->program->set_count++];
    if (!imap_view_resolve(p->view, &set, uid, out)) /* numbers that nobody has match nothing */
        uidset_clear(out);
    return out;
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
        k->text = key_text(p);
        break;
    case FIELD:
        k->name = imap_parse_astring(p->s, p->arena);
        imap_parse_sp(p->s);
        k->text = key_text(p);
        break;
    case KEYWORD:
        k->name = imap_parse_atom(p->s);
        p->program->keyword = true;
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
    case MODSEQ:
        k->number = key_modseq(p);
        break;
    case ONE_KEY:
        k->negated = true;
        k->a = search_key(p);
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

/* search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" */
static void return_options(struct parser *p)
{
    if (!scan_try_word(p->s, SPAN("RETURN (")))
        return;
    p->program->extended = true;
    while (scan_ok(p->s) && !scan_try(p->s, ')')) {
        size_t i = 0;
        while (i < sizeof options / sizeof *options && !scan_try_word(p->s, options[i].word))
            i++;
        if (i == sizeof options / sizeof *options)
            scan_fail(p->s, "Unknown search return option");
        else
            p->program->returns |= options[i].bit;
        if (!scan_try(p->s, ' ') && scan_peek(p->s) != ')')
            scan_fail(p->s, "Expected ) behind the return options");
    }
    if (p->program->returns == 0)
        p->program->returns = SEARCH_LIST;
    imap_parse_sp(p->s);
}

static void charset_option(struct parser *p)
{
    if (!scan_try_word(p->s, SPAN("CHARSET ")))
        return;
    struct span label = imap_parse_astring(p->s, p->arena);
    imap_parse_sp(p->s);
    if (!scan_ok(p->s))
        return;
    p->program->bad_charset = !charset_known(label);
    if (!p->program->bad_charset && !span_eq_ci(label, SPAN("UTF-8")))
        p->charset = charset_new(label);
}

void imap_search_parse(struct scan *s, struct arena *a, struct imap_view *v,
                       struct search_program *out)
{
    struct parser p = {.s = s, .arena = a, .view = v, .program = out};
    *out = (struct search_program){0};
    return_options(&p);
    charset_option(&p);
    if (!out->bad_charset)
        out->keys = key_list(&p);
    charset_free(&p.charset);
    if (!out->bad_charset)
        scan_end(s, "Something follows the search keys");
}

void imap_search_parse_end(struct search_program *p)
{
    for (unsigned i = 0; i < p->set_count; i++)
        uidset_fini(&p->sets[i]);
}
