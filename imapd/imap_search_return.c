#include "imapd/imap_search_return.h"

#include "imapd/imap_fetch.h"
#include "imapd/imap_parse.h"

/* --- the options --- */

static const struct {
    struct span word;
    unsigned bit;
} options[] = {
    {SPAN_ROW("MIN"), SEARCH_MIN},
    {SPAN_ROW("MAX"), SEARCH_MAX},
    {SPAN_ROW("COUNT"), SEARCH_COUNT},
    {SPAN_ROW("ALL"), SEARCH_LIST},
    {SPAN_ROW("SAVE"), SEARCH_SAVE},
    {SPAN_ROW("PARTIAL"), SEARCH_PARTIAL},
    {SPAN_ROW("RELEVANCY"), SEARCH_RELEVANCY},
    {SPAN_ROW("CONTEXT"), SEARCH_CONTEXT},
    {SPAN_ROW("UPDATE"), SEARCH_UPDATE},
};

/* partial-range = partial-range-first / partial-range-last    RFC 9394 §4: 500:400 is the same as 400:500 */
static void partial_range(struct scan *s, struct search_partial *out)
{
    imap_parse_sp(s);
    out->backwards = scan_try(s, '-');
    uint32_t a = scan_u32(s, "Expected a range behind PARTIAL");
    scan_byte(s, ':', "Expected a range behind PARTIAL");
    if (out->backwards)
        scan_byte(s, '-', "Expected a range of two numbers below 0");
    uint32_t b = scan_u32(s, "Expected a range behind PARTIAL");
    if (a == 0 || b == 0)
        scan_fail(s, "PARTIAL counts from 1");
    out->first = a < b ? a : b;
    out->last = a < b ? b : a;
}

/* "UPDATE" [SP "(" fetch-att *(SP fetch-att) ")"]    RFC 5465 §7 */
static void update_items(struct scan *s, struct search_program *out)
{
    struct fetch_items items;
    struct arena *a = arena_new();
    imap_parse_sp(s);
    size_t from = s->at;
    imap_fetch_parse_list(s, a, &items);
    out->fetch = span_from(span_to(s->in, s->at), from);
    arena_free(&a);
}

static void option(struct scan *s, struct search_program *out)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!scan_try_word(s, options[i].word))
            continue;
        unsigned lists = SEARCH_LIST | SEARCH_PARTIAL;
        /* One ALL or one PARTIAL: RFC 9394 §3.1 */
        if ((options[i].bit & lists) && (out->returns & lists) &&
            ((options[i].bit | out->returns) & SEARCH_PARTIAL))
            scan_fail(s, "Only one of ALL and PARTIAL may be asked for, once");
        out->returns |= options[i].bit;
        if (options[i].bit == SEARCH_PARTIAL)
            partial_range(s, &out->partial);
        struct scan look = *s;
        if (options[i].bit == SEARCH_UPDATE && scan_try_word(&look, SPAN(" (")))
            update_items(s, out);
        return;
    }
    scan_fail(s, "Unknown search return option");
}

/* search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" */
void imap_search_return_parse(struct scan *s, struct search_program *out)
{
    if (!scan_try_word(s, SPAN("RETURN (")))
        return;
    out->extended = true;
    while (scan_ok(s) && !scan_try(s, ')')) {
        option(s, out);
        if (!scan_try(s, ' ') && scan_peek(s) != ')')
            scan_fail(s, "Expected ) behind the return options");
    }
    if (out->returns == 0)
        out->returns = SEARCH_LIST;
    out->relevancy = (out->returns & SEARCH_RELEVANCY) != 0;
    imap_parse_sp(s);
}

/* --- the result --- */

void imap_search_return_partial(const struct uidset *found, const struct search_partial *p,
                                struct uidset *out)
{
    uint32_t count = uidset_count(found);
    uint32_t first = p->first, last = p->last < count ? p->last : count;
    if (first > count)
        return;
    if (p->backwards) {
        uint32_t swap = count - last + 1;
        last = count - first + 1;
        first = swap;
    }
    uint32_t before = 0;
    for (size_t i = 0; i < found->n && before < last; i++) {
        const struct uidset_range *r = &found->ranges[i];
        uint32_t n = r->last - r->first + 1;
        uint32_t from = first > before + 1 ? first - before - 1 : 0; /* of the range */
        uint32_t to = last - before < n ? last - before : n;
        if (from < to)
            uidset_add(out, r->first + from, r->first + to - 1);
        before += n;
    }
}

void imap_search_return_range(const struct search_partial *p, struct buf *out)
{
    const char *minus = p->backwards ? "-" : "";
    buf_addf(out, "%s%u:%s%u", minus, p->first, minus, p->last);
}

void imap_search_return_saved(const struct search_program *p, const struct uidset *found,
                              struct uidset *saved)
{
    unsigned some = SEARCH_MIN | SEARCH_MAX | SEARCH_PARTIAL;
    if (p->returns & (SEARCH_LIST | SEARCH_COUNT) || !(p->returns & some)) {
        uidset_copy(saved, found);
        return;
    }
    uidset_clear(saved);
    uint32_t first = uidset_first(found), last = uidset_last(found);
    if (p->returns & SEARCH_PARTIAL)
        imap_search_return_partial(found, &p->partial, saved);
    if ((p->returns & SEARCH_MIN) && first)
        uidset_add(saved, first, first);
    if ((p->returns & SEARCH_MAX) && last)
        uidset_add(saved, last, last);
}

uint64_t imap_search_return_modseq(const struct search_program *p, const struct imap_find *find)
{
    unsigned r =
        p->returns & (SEARCH_MIN | SEARCH_MAX | SEARCH_COUNT | SEARCH_LIST | SEARCH_PARTIAL);
    if (r == SEARCH_MIN)
        return find->first_modseq;
    if (r == SEARCH_MAX)
        return find->last_modseq;
    if (r == (SEARCH_MIN | SEARCH_MAX))
        return find->first_modseq > find->last_modseq ? find->first_modseq : find->last_modseq;
    return find->modseq;
}

/* ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"    RFC 9394 §4 */
static void add_partial(const struct search_program *p, const struct uidset *numbers,
                        struct buf *out)
{
    struct uidset part = {0};
    imap_search_return_partial(numbers, &p->partial, &part);
    buf_addz(out, " PARTIAL (");
    imap_search_return_range(&p->partial, out);
    buf_byte(out, ' ');
    if (uidset_empty(&part))
        buf_addz(out, "NIL");
    else
        uidset_text(&part, out);
    buf_byte(out, ')');
    uidset_fini(&part);
}

/* Of the results that are told, in their order. score-list = "(" [score *(SP score)] ")"    RFC 6203 §7 */
static void add_scores(const struct search_program *p, const struct imap_find *find,
                       const struct uidset *numbers, struct buf *out)
{
    uint32_t count = uidset_count(numbers), from = 0, to = count;
    if (p->returns & SEARCH_PARTIAL) {
        uint32_t first = p->partial.first - 1, last = p->partial.last;
        first = first < count ? first : count;
        last = last < count ? last : count;
        from = p->partial.backwards ? count - last : first;
        to = p->partial.backwards ? count - first : last;
    }
    buf_addz(out, " RELEVANCY (");
    for (uint32_t i = from; i < to; i++)
        buf_addf(out, "%s%u", i > from ? " " : "",
                 i < find->scores.n ? (unsigned char)find->scores.p[i] : 100);
    buf_byte(out, ')');
}

void imap_search_return_data(const struct search_program *p, const struct imap_find *find,
                             const struct uidset *numbers, struct buf *out)
{
    unsigned r = p->returns ? p->returns : SEARCH_LIST;
    bool any = !uidset_empty(numbers);
    if ((r & SEARCH_MIN) && any)
        buf_addf(out, " MIN %u", uidset_first(numbers));
    if ((r & SEARCH_MAX) && any)
        buf_addf(out, " MAX %u", uidset_last(numbers));
    if (r & SEARCH_COUNT)
        buf_addf(out, " COUNT %u", uidset_count(numbers));
    if ((r & SEARCH_LIST) && any) {
        buf_addz(out, " ALL ");
        uidset_text(numbers, out);
    }
    if (r & SEARCH_PARTIAL)
        add_partial(p, numbers, out);
    if ((r & SEARCH_RELEVANCY) && any)
        add_scores(p, find, numbers, out);
    if (p->modseq && any)
        buf_addf(out, " MODSEQ %llu", (unsigned long long)imap_search_return_modseq(p, find));
}

enum step imap_search_return_bad_charset(struct imap_cmd *c)
{
    return imap_reply_no(
        c,
        "BADCHARSET (UTF-8 US-ASCII ISO-8859-1 ISO-8859-2 ISO-8859-15 WINDOWS-1251 "
        "WINDOWS-1252 KOI8-R ISO-2022-JP SHIFT_JIS EUC-JP GB18030 BIG5 EUC-KR)",
        "That charset is not known");
}
