#include "message/header.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The bytes of the first line with its line end; *text_n without it. */
static size_t first_line(struct span s, size_t *text_n)
{
    size_t n = s.n ? span_find(s, '\n') : 0;
    if (n == s.n) {
        *text_n = n;
        return n;
    }
    *text_n = n > 0 && s.p[n - 1] == '\r' ? n - 1 : n;
    return n + 1;
}

/* field-name *WSP ":"    RFC 5322 §2.2, §4.5; 8-bit bytes in a name are let through */
static bool field_line(struct span line, struct span *name, size_t *value_at)
{
    size_t i = 0;
    while (i < line.n && (unsigned char)line.p[i] > ' ' && line.p[i] != 127 && line.p[i] != ':')
        i++;
    *name = span_to(line, i);
    while (i < line.n && is_blank(line.p[i]))
        i++;
    *value_at = i + 1;
    return name->n > 0 && i < line.n && line.p[i] == ':';
}

bool header_name(struct span line, struct span *name)
{
    size_t value_at;
    return field_line(line, name, &value_at);
}

bool header_next(struct span *block, struct header_field *out)
{
    struct span s = *block;
    size_t text, value_at, at;
    for (;;) {
        at = first_line(s, &text);
        if (text == 0) {
            *block = s;
            return false;
        }
        if (field_line(span_to(s, text), &out->name, &value_at))
            break;
        s = span_from(s, at);
    }
    size_t value_end = text;
    for (bool stray = false;;) {
        struct span rest = span_from(s, at), name;
        size_t unused, all = first_line(rest, &text);
        if (text == 0)
            break;
        if (!is_blank(rest.p[0])) {
            if (field_line(span_to(rest, text), &name, &unused))
                break;
            stray = true; /* from here on it is not the value any more */
        }
        if (!stray)
            value_end = at + text;
        at += all;
    }
    out->value = span_of(s.p + value_at, value_end - value_at);
    out->raw = span_to(s, at);
    *block = span_from(s, at);
    return true;
}

bool header_find(struct span block, struct span name, struct header_field *out)
{
    while (header_next(&block, out))
        if (span_eq_ci(out->name, name))
            return true;
    return false;
}

bool header_last(struct span block, struct span name, struct header_field *out)
{
    struct header_field f;
    bool found = false;
    while (header_next(&block, &f)) {
        if (!span_eq_ci(f.name, name))
            continue;
        *out = f;
        found = true;
    }
    return found;
}

struct span header_unfold(struct arena *a, struct span value)
{
    value = span_trim(value);
    char *p = arena_alloc(a, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        bool cr = value.p[i] == '\r';
        if (cr && value.p[i + 1] != '\r' && value.p[i + 1] != '\n') /* trimmed: never the last */
            p[n++] = ' ';
        else if (!cr && value.p[i] != '\n')
            p[n++] = value.p[i];
    }
    return span_of(p, n);
}

/* --- address lists -----------------------------------------------------------------------------------------------
 * One pass over the list, by tokens. What an address is shows only at its end ("a b" is a name if "<" follows, a
 * local-part if "@" does), so each token goes to every text that it may turn out to belong to. */

/* A text that grows in place. No input byte adds more than one byte to the same text, so room for as many bytes as
 * the list has is enough for all its addresses, one after the other. */
struct text {
    char *p;
    size_t n;
};

enum where {
    IN_PHRASE, /* before "<", or an address without it */
    IN_ANGLE,  /* after "<" */
    AFTER_ANGLE,
};

struct list {
    struct span in;
    size_t at;
    struct header_address *out;
    size_t n, max;
    bool full;                 /* a group did not fit */
    bool group;                /* inside a group */
    bool no_quote, no_bracket; /* no closing one is left in the rest */
    unsigned unclosed;         /* comments that had no end */
    /* the address that is being read */
    enum where where;
    bool space;   /* white space or a comment before the next token */
    bool at_sign; /* seen one: now comes the domain */
    bool domain_done;
    bool dot;        /* the last token ended in a dot that was not quoted */
    size_t local_at; /* where the word that may be the local-part begins in phrase */
    struct text phrase, local, domain, route, comment, quoted;
};

static struct text text_new(struct arena *a, size_t list_bytes)
{
    return (struct text){arena_alloc(a, list_bytes + 1), 0};
}

static void text_add(struct text *t, struct span s)
{
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

/* Closes a text: the next one begins behind it. An empty one has no bytes at all: p NULL. */
static struct span text_take(struct text *t)
{
    while (t->n > 0 && t->p[t->n - 1] == ' ')
        t->n--;
    struct span s = span_of(t->n ? t->p : NULL, t->n);
    t->p += t->n;
    t->n = 0;
    return s;
}

static void address_begin(struct list *l)
{
    l->where = IN_PHRASE;
    l->space = l->at_sign = l->domain_done = l->dot = false;
    l->local_at = 0;
    l->phrase.n = l->local.n = l->domain.n = l->route.n = l->comment.n = 0;
}

/* A group's end must fit too. */
static bool has_room(const struct list *l, size_t entries)
{
    return !l->full && l->n + entries + l->group <= l->max;
}

static void address_add(struct list *l, struct span name)
{
    if (!has_room(l, 1))
        return;
    if (name.n == 0)
        name = text_take(
            &l->comment); /* "user@host (Full Name)", RFC 5322 appendix A.5 shows the habit */
    l->out[l->n++] = (struct header_address){.name = name,
                                             .route = text_take(&l->route),
                                             .mailbox = text_take(&l->local),
                                             .domain = text_take(&l->domain)};
}

static void address_end(struct list *l)
{
    if (l->where != IN_PHRASE) {
        address_add(l, text_take(&l->phrase));
    } else if (l->phrase.n > 0) {
        if (l->at_sign)
            l->phrase.n = l->local_at; /* "Full Name user@host": the words before are the name */
        else if (l->local_at > 0)
            l->local.n = 0; /* several words and no address: a name */
        else
            l->phrase.n = 0; /* one word: a mailbox without a domain */
        address_add(l, text_take(&l->phrase));
    }
    address_begin(l);
}

static void group_begin(struct list *l)
{
    if (has_room(l, 2)) {
        struct span name = text_take(&l->phrase);
        l->out[l->n++] =
            (struct header_address){.group = true, .mailbox = name.p ? name : SPAN("")};
        l->group = true;
    } else {
        l->full = true;
    }
    address_begin(l);
}

static void group_end(struct list *l)
{
    if (l->group) {
        l->out[l->n++] = (struct header_address){.group = true};
        l->group = false;
    }
}

/* A word that does not belong to the one before it. */
static void word_apart(struct list *l)
{
    if (l->at_sign) {
        l->domain_done = l->domain.n > 0;
    } else if (l->local.n > 0 && l->where == IN_PHRASE) {
        l->local.n = 0;
        l->local_at = l->phrase.n;
    } else if (l->local.n > 0) {
        text_add(&l->local, SPAN(" "));
    }
}

/* A word, or a piece of one. White space around dots is nothing (obs-local-part, obs-domain: RFC 5322 §4.4). */
static void word(struct list *l, struct span w, bool quoted)
{
    if (l->where == IN_PHRASE && l->space && l->phrase.n > 0)
        text_add(&l->phrase, SPAN(" "));
    if (l->space && !l->dot && (quoted || w.p[0] != '.'))
        word_apart(l);
    if (l->where == IN_PHRASE)
        text_add(&l->phrase, w);
    if (!l->at_sign)
        text_add(&l->local, w);
    else if (!l->domain_done)
        text_add(&l->domain, w);
    l->dot = !quoted && w.p[w.n - 1] == '.';
    l->space = false;
}

static void at_sign(struct list *l)
{
    if (l->where == AFTER_ANGLE)
        return;
    if (l->at_sign) {
        word(l, SPAN("@"), false);
        return;
    }
    if (l->where == IN_PHRASE)
        text_add(&l->phrase, SPAN("@"));
    l->at_sign = true;
    l->space = l->dot = false;
}

/* The bytes up to (not including) the closing quote, or in.n if there is none. */
static size_t quote_end(const struct list *l, size_t from)
{
    for (size_t i = from; i < l->in.n; i++) {
        if (l->in.p[i] == '"')
            return i;
        if (l->in.p[i] == '\\')
            i++;
    }
    return l->in.n;
}

/* Copies without backslashes and line ends. */
static struct span unquoted(struct text *t, struct span s)
{
    size_t from = t->n;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        if (s.p[i] != '\r' && s.p[i] != '\n')
            text_add(t, span_of(s.p + i, 1));
    }
    return span_of(t->p + from, t->n - from);
}

static void quoted_string(struct list *l)
{
    size_t from = l->at + 1, end = l->no_quote ? l->in.n : quote_end(l, from);
    if (end >= l->in.n) {
        l->no_quote = true; /* a quote that nothing closes is not there */
        l->at = from;
        return;
    }
    l->at = end + 1;
    l->quoted.n = 0;
    struct span w = unquoted(&l->quoted, span_of(l->in.p + from, end - from));
    if (l->where != AFTER_ANGLE)
        word(l, w, true);
}

#define UNCLOSED_COUNT 8 /* then we do not look for the end of another */

/* "(" *(ctext / quoted-pair / comment) ")"    RFC 5322 §3.2.2; one that is not closed reaches to the
 * end behind an address; before it, its "(" is not there */
static void comment(struct list *l)
{
    size_t depth = 0, i = l->unclosed < UNCLOSED_COUNT ? l->at : l->in.n;
    for (; i < l->in.n; i++) {
        char c = l->in.p[i];
        if (c == '\\')
            i++;
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            break;
    }
    bool closed = i < l->in.n;
    if (!closed && !l->at_sign) {
        l->unclosed++;
        l->at++;
        l->space = true;
        return;
    }
    struct span inside =
        span_trim(span_of(l->in.p + l->at + 1, (closed ? i : l->in.n) - l->at - 1));
    if (inside.n > 0) {
        l->comment.n = 0;
        unquoted(&l->comment, inside);
    }
    l->at = closed ? i + 1 : l->in.n;
    l->space = true;
}

static bool is_special(char c)
{
    switch (c) {
    case '(':
    case '"':
    case ',':
    case ':':
    case ';':
    case '<':
    case '>':
    case '@':
    case '[':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return true;
    default:
        return false;
    }
}

#define ENCODED_WORD_BYTES 256 /* 75 by RFC 2047 §2; some write longer ones */

/* The bytes of the encoded-word at the start of s, or 0: writers leave "," and "@" in them (against RFC 2047 §5). */
static size_t encoded_word(struct span s)
{
    s = span_to(s, ENCODED_WORD_BYTES);
    if (s.n < 2 || s.p[0] != '=' || s.p[1] != '?')
        return 0;
    size_t marks = 0;
    for (size_t i = 2; i < s.n && s.p[i] > ' '; i++)
        if (s.p[i] == '?' && ++marks > 2)
            return i + 1 < s.n && s.p[i + 1] == '=' ? i + 2 : 0;
    return 0;
}

static void atom(struct list *l)
{
    struct span rest = span_from(l->in, l->at);
    size_t n = encoded_word(rest);
    if (n == 0 && rest.p[0] == '[' && !l->no_bracket) { /* domain-literal */
        n = span_find(rest, ']') + 1;
        l->no_bracket = n > rest.n;
        n = l->no_bracket ? 0 : n;
    }
    if (n == 0)
        for (n = 1; n < rest.n && !is_special(rest.p[n]);)
            n++;
    l->at += n;
    if (l->where != AFTER_ANGLE)
        word(l, span_to(rest, n), false);
}

/* "<@a,@b:user@host>": a route so far */
static bool in_route(const struct list *l)
{
    return l->where == IN_ANGLE && l->at_sign && l->local.n == 0;
}

static void colon(struct list *l)
{
    if (in_route(l)) {
        text_add(&l->route, SPAN("@"));
        text_add(&l->route, span_of(l->domain.p, l->domain.n));
        l->domain.n = 0;
        l->at_sign = l->domain_done = l->dot = false;
    } else if (l->where == IN_PHRASE && !l->group && !l->at_sign) {
        group_begin(l);
    } else if (l->where != AFTER_ANGLE) {
        word(l, SPAN(":"), false);
    }
}

static void angle(struct list *l)
{
    if (l->where == AFTER_ANGLE)
        address_end(l); /* a comma was forgotten */
    if (l->where == IN_ANGLE)
        return;
    l->where = IN_ANGLE;
    l->local.n = l->domain.n = 0;
    l->at_sign = l->domain_done = l->dot = l->space = false;
}

/* Takes one token that is a single special byte; false if c begins something longer. */
static bool special(struct list *l, char c)
{
    switch (c) {
    case ',':
        if (in_route(l)) {
            text_add(&l->domain, SPAN(","));
            l->dot = true; /* the next "@" belongs to it, with white space before it too */
        } else {
            address_end(l);
        }
        break;
    case ';':
        address_end(l);
        group_end(l);
        break;
    case ':':
        colon(l);
        break;
    case '<':
        angle(l);
        break;
    case '>':
        if (l->where == IN_ANGLE)
            l->where = AFTER_ANGLE;
        break;
    case '@':
        at_sign(l);
        break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        l->space = true;
        break;
    default:
        return false;
    }
    l->at++;
    return true;
}

size_t header_addresses(struct arena *a, struct span value, struct header_address *out, size_t max)
{
    struct list l = {.in = value, .out = out, .max = max};
    if (max == 0 || value.n == 0)
        return 0;
    l.phrase = text_new(a, value.n);
    l.local = text_new(a, value.n);
    l.domain = text_new(a, value.n);
    l.route = text_new(a, value.n);
    l.comment = text_new(a, value.n);
    l.quoted = text_new(a, value.n);
    address_begin(&l);
    while (l.at < value.n && has_room(&l, 1)) {
        char c = value.p[l.at];
        if (c == '"')
            quoted_string(&l);
        else if (c == '(')
            comment(&l);
        else if (!special(&l, c))
            atom(&l);
    }
    address_end(&l);
    group_end(&l);
    return l.n;
}
