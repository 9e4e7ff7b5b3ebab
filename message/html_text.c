#include "message/html_text.h"
#include "common/utf8.h"

/* The tokens of HTML in broad strokes: a tag ends with the first ">" outside a quoted value, a comment with "-->", and the
 * content of script, style and title with their end tag. Nothing is nested but blockquotes. */
enum state { TEXT, OPENED, TAG_NAME, TAG, COMMENT, ENTITY };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_letter(char c)
{
    unsigned char l = span_lower((unsigned char)c);
    return l >= 'a' && l <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct span name_of(const struct html_text *h)
{
    return span_of(h->name, h->name_n);
}

/* A name that is too long is none that we know. */
static void name_add(struct html_text *h, char c)
{
    if (h->name_n < sizeof h->name)
        h->name[h->name_n++] = c;
}

static void put(struct html_text *h, struct span s, struct buf *out)
{
    if (h->raw)
        return;
    if (h->at_line_start && h->quotes > 0)
        buf_add(out, SPAN("> "));
    h->at_line_start = false;
    buf_add(out, s);
}

static void put_line_end(struct html_text *h, struct buf *out)
{
    if (!h->raw)
        buf_byte(out, '\n');
    h->at_line_start = true;
}

/* --- entities ---------------------------------------------------------------------------------------------------- */

/* clang-format off: U+00A0 to U+00FF in order */
static const char latin[96][HTML_TEXT_NAME_BYTES] = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",
    "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn",
    "sup2",   "sup3",   "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",
    "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
    "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave",
    "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde",
    "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",
    "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
    "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};
static const struct {
    char name[HTML_TEXT_NAME_BYTES];
    uint32_t cp;
} others[] = {
    {"amp", '&'},      {"lt", '<'},        {"gt", '>'},        {"quot", '"'},
    {"apos", '\''},    {"hellip", 0x2026}, {"mdash", 0x2014},  {"ndash", 0x2013},
    {"lsquo", 0x2018}, {"rsquo", 0x2019},  {"sbquo", 0x201a},  {"ldquo", 0x201c},
    {"rdquo", 0x201d}, {"bdquo", 0x201e},  {"lsaquo", 0x2039}, {"rsaquo", 0x203a},
    {"bull", 0x2022},  {"trade", 0x2122},  {"euro", 0x20ac},   {"ensp", 0x2002},
    {"emsp", 0x2003},  {"thinsp", 0x2009}, {"zwnj", 0x200c},   {"zwj", 0x200d},
    {"rarr", 0x2192},  {"larr", 0x2190},   {"minus", 0x2212},  {"OElig", 0x152},
    {"oelig", 0x153},  {"Scaron", 0x160},  {"scaron", 0x161},
};
/* clang-format on */

/* "#228" or "#xe4"; 0: it is no number of a character */
static uint32_t entity_number(struct span name)
{
    bool hex = name.n > 1 && (name.p[1] == 'x' || name.p[1] == 'X');
    uint32_t cp = 0;
    for (size_t i = hex ? 2 : 1; i < name.n && cp <= 0x10ffff; i++) {
        unsigned char c = span_lower((unsigned char)name.p[i]);
        if (is_digit((char)c))
            cp = cp * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            cp = cp * 16 + (uint32_t)(c - 'a') + 10;
        else
            return 0;
    }
    return cp <= 0x10ffff ? cp : 0;
}

static uint32_t entity_named(struct span name)
{
    for (size_t i = 0; i < sizeof latin / sizeof *latin; i++)
        if (span_eq(name, span_cstr(latin[i])))
            return 0xa0 + (uint32_t)i;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (span_eq(name, span_cstr(others[i].name)))
            return others[i].cp;
    return 0;
}

/* What is no entity is text after all. */
static void entity_end(struct html_text *h, bool semicolon, struct buf *out)
{
    struct span name = name_of(h);
    uint32_t cp = 0;
    char bytes[4];
    if (name.n > 1)
        cp = name.p[0] == '#' ? entity_number(name) : entity_named(name);
    h->state = TEXT;
    if (cp != 0) {
        put(h, span_of(bytes, utf8_put(cp, bytes)), out);
        return;
    }
    put(h, SPAN("&"), out);
    put(h, name, out);
    if (semicolon)
        put(h, SPAN(";"), out);
}

/* False: c is not the entity's any more. */
static bool entity(struct html_text *h, char c, struct buf *out)
{
    if (c == ';') {
        entity_end(h, true, out);
        return true;
    }
    if ((is_letter(c) || is_digit(c) || (c == '#' && h->name_n == 0)) &&
        h->name_n < HTML_TEXT_NAME_BYTES) {
        name_add(h, c);
        return true;
    }
    entity_end(h, false, out);
    return false;
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

static bool name_is_one_of(struct span name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_ci(name, span_cstr(list[i])))
            return true;
    return false;
}

/* Elements that do not begin a new line. */
static bool is_inline(struct span name)
{
    static const char *const names[] = {
        "a",    "abbr",   "acronym", "b",   "bdi", "bdo",  "big",  "cite", "code", "del",  "dfn",
        "em",   "font",   "i",       "ins", "kbd", "mark", "nobr", "q",    "s",    "samp", "small",
        "span", "strike", "strong",  "sub", "sup", "time", "tt",   "u",    "var",  "wbr",  "o:p"};
    return name_is_one_of(name, names, sizeof names / sizeof *names);
}

static bool is_raw(struct span name)
{
    static const char *const names[] = {"script", "style", "title"};
    return name_is_one_of(name, names, sizeof names / sizeof *names);
}

static void tag_end(struct html_text *h, struct buf *out)
{
    struct span name = name_of(h);
    h->state = TEXT;
    if (h->raw) { /* script, style and title differ in their second letter */
        if (h->closing && is_raw(name) && (char)span_lower((unsigned char)name.p[1]) == h->raw)
            h->raw = 0;
        return;
    }
    if (!is_inline(name))
        put_line_end(h, out);
    if (span_eq_ci(name, SPAN("blockquote"))) {
        if (!h->closing && h->quotes < HTML_TEXT_QUOTE_COUNT)
            h->quotes++;
        else if (h->closing && h->quotes > 0)
            h->quotes--;
    } else if (is_raw(name) && !h->closing && h->before != '/') {
        h->raw = (char)span_lower((unsigned char)name.p[1]);
    }
}

/* Behind "<". */
static bool opened(struct html_text *h, char c, struct buf *out)
{
    if (c == '/' && !h->closing) {
        h->closing = true;
    } else if ((is_letter(c) || ((c == '!' || c == '?') && !h->closing)) &&
               (h->closing || !h->raw)) { /* in a script "<" begins nothing but its end tag */
        h->state = TAG_NAME;
        name_add(h, c);
    } else {
        h->state = TEXT;
        put(h, h->closing ? SPAN("</") : SPAN("<"), out);
        return false;
    }
    return true;
}

static void tag(struct html_text *h, char c, struct buf *out)
{
    if (h->quote) {
        if (c == h->quote)
            h->quote = 0;
    } else if (c == '>') {
        tag_end(h, out);
    } else if ((c == '"' || c == '\'') && h->before == '=') {
        h->quote = c;
    }
    if (!is_blank(c))
        h->before = c;
}

static void tag_name(struct html_text *h, char c, struct buf *out)
{
    if (c == '>' || c == '/' || is_blank(c)) {
        h->state = TAG;
        tag(h, c, out);
        return;
    }
    name_add(h, c);
    if (span_eq(name_of(h), SPAN("!--"))) {
        h->state = COMMENT;
        h->name_n = 2; /* "<!-->" is a whole one */
    }
}

/* h->name_n: dashes just before c. */
static void comment(struct html_text *h, char c)
{
    if (c == '>' && h->name_n >= 2)
        h->state = TEXT;
    else if (c == '-')
        h->name_n += h->name_n < 2;
    else
        h->name_n = 0;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static void begin(struct html_text *h, enum state state)
{
    h->state = state;
    h->name_n = 0;
    h->quote = h->before = 0;
    h->closing = false;
}

/* One byte; bytes of longer characters go one by one. False: it is to be seen again in the new state. */
static bool step(struct html_text *h, char c, struct buf *out)
{
    switch ((enum state)h->state) {
    case TEXT:
        if (c == '<')
            begin(h, OPENED);
        else if (c == '&' && !h->raw)
            begin(h, ENTITY);
        else
            put(h, is_blank(c) ? SPAN(" ") : span_of(&c, 1), out);
        return true;
    case OPENED:
        return opened(h, c, out);
    case TAG_NAME:
        tag_name(h, c, out);
        return true;
    case TAG:
        tag(h, c, out);
        return true;
    case COMMENT:
        comment(h, c);
        return true;
    case ENTITY:
        return entity(h, c, out);
    }
    return true;
}

bool html_text(struct html_text *h, struct span utf8, struct buf *out)
{
    for (size_t i = 0; i < utf8.n;)
        i += step(h, utf8.p[i], out);
    return !out->full;
}
