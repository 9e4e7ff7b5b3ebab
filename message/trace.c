#include "message/trace.h"
#include "common/buf.h"
#include "common/utf8.h"
#include "message/date.h"

#define LINE_COLUMNS 78  /* RFC 5322 §2.1.1 */
#define FIELD_BYTES 8192 /* more than all the parts below together */
#define TOKEN_BYTES 255  /* no host name is longer */
#define RCPT_BYTES 512   /* a quoted local-part, a domain */

/* A field on its way out: words with white space, or a fold, between them. */
struct line {
    struct buf text;
    size_t column;
};

/* Adds one word: what stands in front of it is a space if the line has room for both, else a new
 * line. */
static void line_word(struct line *l, struct span word)
{
    if (word.n == 0)
        return;
    if (l->column + 1 + word.n + 1 > LINE_COLUMNS) { /* one for the semicolon */
        buf_addz(&l->text, "\r\n\t");
        l->column = 8; /* as a tab shows */
    } else {
        buf_byte(&l->text, ' ');
        l->column++;
    }
    buf_add(&l->text, word);
    l->column += word.n;
}

static bool is_token_byte(unsigned char c)
{
    unsigned char lower = span_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._:", c));
}

/* in as a word that cannot end, quote or comment anything: other bytes become "?". UTF-8 stays if
 * utf8. An address literal keeps the brackets around it. */
static struct span safe_token(struct arena *a, struct span in, bool utf8, const char *if_empty)
{
    if (in.n == 0)
        return span_cstr(if_empty);
    utf8 = utf8 && in.n <= TOKEN_BYTES && utf8_valid(in);
    struct span out = arena_keep(a, span_to(in, TOKEN_BYTES));
    bool literal = out.n > 2 && out.p[0] == '[' && out.p[out.n - 1] == ']';
    char *text = arena_alloc(a, out.n);
    for (size_t i = 0; i < out.n; i++) {
        unsigned char c = (unsigned char)out.p[i];
        bool bracket = literal && (i == 0 || i == out.n - 1);
        text[i] = is_token_byte(c) || bracket || (utf8 && c >= 0x80) ? (char)c : '?';
    }
    return span_of(text, out.n);
}

/* TCP-info = address-literal / ( Domain FWS address-literal ), in its parentheses: RFC 5321 §4.4 */
static struct span tcp_info(struct arena *a, struct span peer_ip)
{
    struct span ip = safe_token(a, peer_ip, false, "");
    if (ip.n == 0)
        return ip;
    bool six = span_find(ip, ':') < ip.n;
    return arena_printf(a, "([%s%.*s])", six ? "IPv6:" : "", SPAN_ARG(ip));
}

/* RFC 3848 and RFC 6531 §4.3; a client that said HELO is plain SMTP whatever else it did. */
static struct span with_keyword(struct arena *a, const struct trace *t)
{
    if (!t->esmtp)
        return SPAN("SMTP");
    return arena_printf(a, "%s%s%s", t->utf8 ? "UTF8SMTP" : "ESMTP", t->tls.n > 0 ? "S" : "",
                        t->authenticated ? "A" : "");
}

/* tls-cipher-name = ALPHA *(ALPHA / DIGIT / "_")    RFC 8314 §4.3
 * All registered names begin with "TLS_"; the names that OpenSSL has for older ones do not. */
static bool is_cipher_name(struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (!is_token_byte((unsigned char)name.p[i]) || strchr("-.:", name.p[i]))
            return false;
    }
    return span_starts_ci(name, SPAN("TLS_"));
}

/* What is known about TLS: the registered name of the cipher in its clause, anything else in a
 * comment. */
static void tls_comment(struct arena *a, struct line *l, const struct trace *t)
{
    struct span version = span_to(t->tls, span_find(t->tls, ' '));
    struct span cipher = span_trim(span_from(t->tls, version.n));
    if (t->tls.n == 0)
        return;
    version = safe_token(a, version, false, "");
    if (cipher.n == 0 || is_cipher_name(cipher)) {
        line_word(l, arena_printf(a, "(%.*s)", SPAN_ARG(version)));
        return;
    }
    cipher = safe_token(a, cipher, false, "");
    line_word(l, arena_printf(a, "(%.*s %.*s)", SPAN_ARG(version), SPAN_ARG(cipher)));
}

static void tls_clause(struct line *l, const struct trace *t)
{
    struct span cipher = span_trim(span_from(t->tls, span_find(t->tls, ' ')));
    if (!is_cipher_name(cipher))
        return;
    line_word(l, SPAN("tls"));
    line_word(l, span_to(cipher, TOKEN_BYTES));
}

/* text without controls, which only a bug of the caller could bring here. */
static struct span without_controls(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.n);
    for (size_t i = 0; i < text.n; i++)
        out[i] = (unsigned char)text.p[i] < 32 || text.p[i] == 127 ? '?' : text.p[i];
    return span_of(out, text.n);
}

/* For = CFWS "FOR" FWS ( Path / Mailbox )    RFC 5321 §4.4 */
static void for_clause(struct arena *a, struct line *l, const struct trace *t)
{
    struct span rcpt = without_controls(a, t->for_rcpt);
    if (rcpt.n == 0 || rcpt.n > RCPT_BYTES || !(utf8_ascii(rcpt) || (t->utf8 && utf8_valid(rcpt))))
        return;
    line_word(l, SPAN("for"));
    line_word(l, arena_printf(a, "<%.*s>", SPAN_ARG(rcpt)));
}

/* The semicolon follows the last word of the clauses at once. */
static void add_date(struct arena *a, struct line *l, const struct trace *t)
{
    struct span date = date_format(a, (struct date){t->when, t->zone_minutes});
    buf_byte(&l->text, ';');
    l->column++;
    line_word(l, date);
}

/* Time-stamp-line = "Received:" FWS Stamp <CRLF>
 * Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
 * Opt-info = [Via] [With] [ID] [For] [Additional-Registered-Clauses]    RFC 5321 §4.4 */
struct span trace_received(struct arena *a, const struct trace *t)
{
    struct line l = {.column = sizeof "Received:" - 1};
    buf_init(&l.text, FIELD_BYTES);
    buf_addz(&l.text, "Received:");
    line_word(&l, SPAN("from"));
    line_word(&l, safe_token(a, t->helo, t->utf8, "unknown"));
    line_word(&l, tcp_info(a, t->peer_ip));
    line_word(&l, SPAN("by"));
    line_word(&l, safe_token(a, t->by, t->utf8, "unknown"));
    line_word(&l, SPAN("with"));
    line_word(&l, with_keyword(a, t));
    tls_comment(a, &l, t);
    if (t->id.n > 0) {
        line_word(&l, SPAN("id"));
        line_word(&l, safe_token(a, t->id, false, ""));
    }
    for_clause(a, &l, t);
    tls_clause(&l, t);
    add_date(a, &l, t);
    buf_addz(&l.text, "\r\n");
    struct span field = arena_keep(a, buf_span(&l.text));
    buf_fini(&l.text);
    return field;
}

struct span trace_return_path(struct arena *a, struct address reverse_path)
{
    struct span path = without_controls(a, address_text(a, reverse_path));
    struct buf out;
    buf_init(&out, path.n + 32);
    buf_addz(&out, "Return-Path: <");
    buf_add(&out, path);
    buf_addz(&out, ">\r\n");
    struct span field = arena_keep(a, buf_span(&out));
    buf_fini(&out);
    return field;
}
