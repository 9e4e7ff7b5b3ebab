#include "message/words.h"
#include "common/buf.h"
#include "common/utf8.h"
#include "message/cfws.h"
#include "message/charset.h"
#include "message/encode.h"

#define PARAMS_MAX 128       /* of one value; what is beyond is dropped */
#define CHARSET_LABEL_MAX 64 /* none is longer */
#define SWITCHES_MAX                                                                               \
    100          /* of the charset within one value: opening one can mean loading a module */
#define GROWTH 4 /* bytes of UTF-8 that one byte of any charset can become, generously */

/* Bytes of unknown charset: UTF-8 if they can be, else windows-1252, in which everything means
 * something. */
static void add_raw(struct buf *out, struct span raw)
{
    if (utf8_valid(raw)) {
        buf_add(out, raw);
        return;
    }
    struct charset *c = charset_new(SPAN("windows-1252"));
    charset_convert(c, raw, true, out);
    charset_free(&c);
}

/* --- encoded-words, RFC 2047 ------------------------------------------------------------------ */

struct word {
    struct span charset, text;
    bool base64;
};

/* The reader of one value. Words of one charset that follow each other are converted as one run of
 * bytes, because some programs cut words within a character. */
struct words_reader {
    struct buf out;
    struct buf bytes; /* of one word, decoded */
    bool in_run;
    struct charset *charset; /* of the run, or of the last one; NULL before the first */
    struct span label;       /* what its words call it */
    unsigned switches;
    bool no_end; /* there is no "?=" in the rest: looking again and again would be quadratic */
};

/* encoded-word = "=?" charset [ "*" language ] "?" encoding "?" encoded-text "?="
 * RFC 2047 §2 and RFC 2231 §5, at the beginning of in: its length, or 0. White space and "?" within
 * the text are forgiven. */
static size_t take_word(struct words_reader *r, struct span in, struct word *w)
{
    if (r->no_end || in.n < 2)
        return 0;
    struct span label = span_to(span_from(in, 2), CHARSET_LABEL_MAX);
    size_t n = span_find(label, '?');
    if (n == label.n || in.n < n + 7 || in.p[n + 4] != '?')
        return 0;
    unsigned char encoding = span_lower((unsigned char)in.p[n + 3]);
    if (encoding != 'b' && encoding != 'q')
        return 0;
    struct span rest = span_from(in, n + 5);
    size_t end = span_find_span(rest, SPAN("?="));
    if (end == rest.n) {
        r->no_end = true;
        return 0;
    }
    label = span_to(label, n);
    *w = (struct word){span_to(label, span_find(label, '*')), span_to(rest, end), encoding == 'b'};
    return n + 5 + end + 2;
}

/* One byte written as mark and two hexadecimal digits at the beginning of in, or -1. */
static int escaped_byte(struct span in, char mark)
{
    if (in.n < 3 || in.p[0] != mark)
        return -1;
    int high = encode_hex_digit((unsigned char)in.p[1]),
        low = encode_hex_digit((unsigned char)in.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Adds in with its escapes resolved; broken ones stay as they are. With "=" this is the "Q"
 * encoding of RFC 2047 §4.2, with "%" that of RFC 2231 §4. */
static void add_unescaped(struct buf *out, struct span in, char mark)
{
    for (size_t i = 0; i < in.n; i++) {
        int byte = escaped_byte(span_from(in, i), mark);
        if (byte >= 0)
            i += 2;
        else
            byte = in.p[i] == '_' && mark == '=' ? ' ' : in.p[i];
        buf_byte(out, (char)byte);
    }
}

static void run_end(struct words_reader *r)
{
    if (r->in_run)
        charset_convert(r->charset, (struct span){"", 0}, true, &r->out);
    r->in_run = false;
}

/* Whether words of that charset can be read: r->charset is then the one. */
static bool switch_charset(struct words_reader *r, struct span label)
{
    if (r->charset && span_eq_ci(label, r->label))
        return true;
    if (r->switches == SWITCHES_MAX)
        return false;
    struct charset *next = charset_new(label);
    if (!next)
        return false;
    r->switches++;
    run_end(r);
    charset_free(&r->charset);
    r->charset = next;
    r->label = label;
    return true;
}

/* Adds the word to the run, or begins a run with it. */
static void add_word(struct words_reader *r, const struct word *w)
{
    r->in_run = true;
    buf_reset(&r->bytes);
    if (w->base64) {
        struct encode_decoder d = ENCODE_DECODER(ENCODE_BASE64);
        encode_decode(&d, w->text, true, &r->bytes);
    } else {
        add_unescaped(&r->bytes, w->text, '=');
    }
    charset_convert(r->charset, buf_span(&r->bytes), false, &r->out);
}

static bool is_blank_only(struct span s)
{
    return span_trim(s).n == 0;
}

static void add_text(struct words_reader *r, struct span text)
{
    run_end(r);
    add_raw(&r->out, text);
}

struct span words_decode(struct arena *a, struct span value)
{
    struct words_reader r = {0};
    size_t from = 0; /* what is before it has been added */
    buf_init(&r.out, GROWTH * value.n + 16);
    buf_init(&r.bytes, value.n);
    for (size_t at = 0; at < value.n;) {
        struct word w;
        at += span_find_span(span_from(value, at), SPAN("=?"));
        size_t n = take_word(&r, span_from(value, at), &w);
        if (n > 0 && switch_charset(&r, w.charset)) {
            struct span between = span_to(span_from(value, from), at - from);
            /* RFC 2047 §6.2: white space alone only divides words, it is not text */
            if (from == 0 || !is_blank_only(between))
                add_text(&r, between);
            add_word(&r, &w);
            from = at + n;
        }
        at += n > 0 ? n : 2;
    }
    add_text(&r, span_from(value, from));
    charset_free(&r.charset);
    struct span text = arena_keep(a, buf_span(&r.out));
    buf_fini(&r.bytes);
    buf_fini(&r.out);
    return text;
}

/* --- parameters, RFC 2045 §5.1, read generously ----------------------------------------------- */

/* token, RFC 2045 §5.1; bytes beyond ASCII are let through */
static bool is_token_byte(unsigned char c)
{
    return c > ' ' && c != 127 && !memchr("()<>@,;:\\\"/[]?=", c, 15);
}

static bool is_name_byte(unsigned char c)
{
    return c != ';' && c != '(' && c != '=' && c != '"' && !cfws_is_blank(c);
}

static bool is_bare_byte(unsigned char c)
{
    return c != ';' && !cfws_is_blank(c);
}

/* quoted-string, RFC 5322 §3.2.4, without its quotes, backslashes and folds; the end of the text
 * ends it too */
static struct span take_quoted(struct scan *s, struct arena *a)
{
    scan_byte(s, '"', "a quote");
    struct span rest = scan_rest(s);
    size_t end = 0, n = 0;
    while (end < rest.n && rest.p[end] != '"')
        end += rest.p[end] == '\\' && end + 1 < rest.n ? 2 : 1;
    char *out = arena_alloc(a, end);
    for (size_t i = 0; i < end; i++) {
        if (rest.p[i] == '\\' && i + 1 < end)
            out[n++] = rest.p[++i];
        else if (rest.p[i] != '\r' && rest.p[i] != '\n')
            out[n++] = rest.p[i];
    }
    scan_take(s, end < rest.n ? end + 1 : end, "");
    return span_of(out, n);
}

/* Whether "name=" comes next: then a semicolon has been forgotten. */
static bool name_is_next(struct scan s)
{
    return scan_while(&s, is_name_byte).n > 0 && scan_peek(&s) == '=';
}

/* A closing quote without an opening one is not there. */
static struct span without_quote(struct span s)
{
    return s.n > 0 && span_find(s, '"') == s.n - 1 ? span_to(s, s.n - 1) : s;
}

/* A value that should have been quoted if it holds spaces, and is not. */
static struct span take_bare(struct scan *s)
{
    size_t from = s->at, end = from;
    for (;;) {
        scan_while(s, is_bare_byte);
        end = s->at;
        scan_while(s, cfws_is_blank);
        int c = scan_peek(s);
        if (c < 0 || c == ';' || c == '(' || name_is_next(*s))
            return without_quote(span_of(s->in.p + from, end - from));
    }
}

/* A token, or a quoted string in its place. */
static struct span take_token(struct scan *s, struct arena *a)
{
    return scan_peek(s) == '"' ? take_quoted(s, a) : scan_while(s, is_token_byte);
}

/* parameter = attribute "=" value    false: there was none, but bytes have been taken */
static bool take_param(struct scan *s, struct arena *a, struct words_param *out)
{
    if (scan_peek(s) == '"') { /* a string that belongs to nobody */
        take_quoted(s, a);
        return false;
    }
    out->name = scan_while(s, is_name_byte);
    cfws_skip(s);
    if (!scan_try(s, '=')) {
        if (out->name.n == 0)
            scan_take(s, scan_done(s) ? 0 : 1, "");
        return false;
    }
    cfws_skip(s);
    out->value = scan_peek(s) == '"' ? take_quoted(s, a) : take_bare(s);
    return out->name.n > 0;
}

struct words_params words_params(struct arena *a, struct span text, bool slash)
{
    struct words_param list[PARAMS_MAX];
    struct words_params p = {.n = 0};
    struct scan s = scan_of(text);
    cfws_skip(&s);
    p.value = take_token(&s, a);
    p.subvalue = (struct span){"", 0};
    cfws_skip(&s);
    if (slash && scan_try(&s, '/')) {
        cfws_skip(&s);
        p.subvalue = take_token(&s, a);
    }
    while (p.n < PARAMS_MAX) {
        cfws_skip(&s);
        if (scan_done(&s))
            break;
        if (!scan_try(&s, ';') && take_param(&s, a, &list[p.n]))
            p.n++;
    }
    p.list = arena_alloc(a, p.n * sizeof *list);
    if (p.n > 0)
        memcpy(p.list, list, p.n * sizeof *list);
    return p;
}

/* --- parameter values in pieces and charsets, RFC 2231 ---------------------------------------- */

struct piece {
    const struct words_param *param; /* NULL: missing */
    bool extended; /* its name ends in "*": escaped, and the first one names the charset */
};

/* Where a parameter stands in the value called name. */
enum piece_place { PLACE_ELSEWHERE, PLACE_PLAIN, PLACE_WHOLE, PLACE_NUMBERED };

/* attribute [ "*" DIGITS ] [ "*" ]    RFC 2231 §7 */
static enum piece_place piece_place(struct span param, struct span name, uint32_t *number,
                                    bool *extended)
{
    if (!span_starts_ci(param, name))
        return PLACE_ELSEWHERE;
    struct span rest = span_from(param, name.n);
    if (rest.n == 0)
        return PLACE_PLAIN;
    if (rest.p[0] != '*')
        return PLACE_ELSEWHERE;
    *extended = rest.p[rest.n - 1] == '*';
    if (rest.n == 1)
        return PLACE_WHOLE;
    rest = span_from(rest, 1);
    rest.n -= *extended ? 1 : 0;
    return span_u32(rest, number) && *number < PARAMS_MAX ? PLACE_NUMBERED : PLACE_ELSEWHERE;
}

/* Finds all pieces of name; the first that claims a place has it. Those in pieces go before
 * "name*", and that before "name": who writes several means the plain one for readers who do not
 * know the others. */
static void pieces_find(const struct words_params *p, struct span name,
                        struct piece pieces[PARAMS_MAX])
{
    struct piece plain = {0}, whole = {0};
    for (size_t i = 0; i < p->n; i++) {
        uint32_t number = 0;
        struct piece here = {&p->list[i], false}, *to = NULL;
        switch (piece_place(p->list[i].name, name, &number, &here.extended)) {
        case PLACE_ELSEWHERE:
            continue;
        case PLACE_PLAIN:
            to = &plain;
            break;
        case PLACE_WHOLE:
            to = &whole;
            break;
        case PLACE_NUMBERED:
            to = &pieces[number];
            break;
        }
        if (!to->param)
            *to = here;
    }
    if (pieces[0].param)
        return;
    memset(pieces, 0, PARAMS_MAX * sizeof *pieces);
    pieces[0] = whole.param ? whole : plain;
}

/* extended-initial-value = [charset] "'" [language] "'" extended-other-values    RFC 2231 §7
 * takes what is before the values */
static struct span take_charset(struct span *value)
{
    size_t first = span_find(*value, '\'');
    struct span rest = span_from(*value, first);
    size_t second = rest.n > 0 ? 1 + span_find(span_from(rest, 1), '\'') : 0;
    if (second >= rest.n)
        return (struct span){"", 0};
    struct span label = span_to(*value, first);
    *value = span_from(rest, second + 1);
    return label;
}

struct span words_param_decoded(struct arena *a, const struct words_params *p, struct span name)
{
    struct piece pieces[PARAMS_MAX] = {{0}};
    struct span label = {"", 0}, text;
    struct buf bytes, out;
    size_t total = 0;
    pieces_find(p, name, pieces);
    if (!pieces[0].param)
        return (struct span){NULL, 0};
    for (size_t i = 0; i < PARAMS_MAX && pieces[i].param; i++)
        total += pieces[i].param->value.n;
    buf_init(&bytes, total);
    buf_init(&out, GROWTH * total + 16);
    for (size_t i = 0; i < PARAMS_MAX && pieces[i].param; i++) {
        struct span value = pieces[i].param->value;
        if (i == 0 && pieces[i].extended)
            label = take_charset(&value);
        if (pieces[i].extended)
            add_unescaped(&bytes, value, '%');
        else
            buf_add(&bytes, value);
    }
    struct charset *c = charset_new(label);
    if (c) {
        charset_convert(c, buf_span(&bytes), true, &out);
        text = arena_keep(a, buf_span(&out));
    } else {
        text = words_decode(a, buf_span(&bytes)); /* RFC 2047 words where RFC 2231 §4 should be */
    }
    charset_free(&c);
    buf_fini(&bytes);
    buf_fini(&out);
    return text;
}

/* --- putting pieces together -------------------------------------------------------------------- */

/* One parameter of a list, as a piece. */
struct part {
    struct span name; /* without what makes it a piece */
    uint32_t number;
    bool piece, extended, used;
};

static struct part part_of(const struct words_param *p)
{
    struct part part = {.name = span_to(p->name, span_find(p->name, '*'))};
    switch (piece_place(p->name, part.name, &part.number, &part.extended)) {
    case PLACE_WHOLE:
    case PLACE_NUMBERED:
        part.piece = part.name.n > 0;
        break;
    case PLACE_PLAIN:
    case PLACE_ELSEWHERE:
        break;
    }
    return part;
}

/* Appends what would be taken for an escape where it is none. */
static void add_piece(struct buf *out, struct span value, bool escape)
{
    for (size_t i = 0; i < value.n; i++) {
        buf_byte(out, value.p[i]);
        if (escape && value.p[i] == '%')
            buf_add(out, SPAN("25"));
    }
}

/* Finds the pieces of the name of parts[first], numbered from 0 without a gap and each once: their indexes in order. 0: they are not so. */
static size_t pieces_of(const struct part *parts, size_t n, size_t first, size_t order[PARAMS_MAX],
                        bool *extended)
{
    size_t count = 0;
    bool there[PARAMS_MAX] = {false};
    *extended = false;
    for (size_t i = first; i < n; i++) {
        const struct part *p = &parts[i];
        if (!p->piece || !span_eq_ci(p->name, parts[first].name))
            continue;
        if (there[p->number])
            return 0;
        there[p->number] = true;
        order[p->number] = i;
        *extended = *extended || p->extended;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        if (!there[i])
            return 0;
    return count;
}

static struct words_param join(struct arena *a, const struct words_params *p,
                               const struct part *parts, const size_t *order, size_t count,
                               bool extended)
{
    struct words_param out;
    struct buf value;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += p->list[order[i]].value.n;
    buf_init(&value, 3 * bytes);
    for (size_t i = 0; i < count; i++)
        add_piece(&value, p->list[order[i]].value, extended && !parts[order[i]].extended);
    struct span name = parts[order[0]].name;
    out.name = extended ? arena_printf(a, "%.*s*", SPAN_ARG(name)) : name;
    out.value = arena_keep(a, buf_span(&value));
    buf_fini(&value);
    return out;
}

struct words_params words_params_joined(struct arena *a, const struct words_params *p)
{
    struct part parts[PARAMS_MAX];
    size_t order[PARAMS_MAX];
    struct words_params out = *p;
    bool any = false, extended;
    for (size_t i = 0; i < p->n; i++) {
        parts[i] = part_of(&p->list[i]);
        any = any || parts[i].piece;
    }
    if (!any)
        return out;
    out.n = 0;
    out.list = arena_alloc(a, p->n * sizeof *out.list);
    for (size_t i = 0; i < p->n; i++)
        if (!parts[i].piece)
            out.list[out.n++] = p->list[i];
    for (size_t i = 0; i < p->n; i++) {
        if (!parts[i].piece || parts[i].used)
            continue;
        size_t count = pieces_of(parts, p->n, i, order, &extended);
        for (size_t j = 0; j < count; j++)
            parts[order[j]].used = true;
        out.list[out.n++] = count ? join(a, p, parts, order, count, extended) : p->list[i];
    }
    return out;
}
