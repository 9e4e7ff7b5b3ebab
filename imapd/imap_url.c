#include "imapd/imap_url.h"

#include "common/utf8.h"

static int imap_url_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    unsigned char l = span_lower((unsigned char)c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* pct-encoded = "%" HEXDIG HEXDIG    RFC 3986 §2.1. No NUL, no control characters. */
static bool imap_url_decode(struct span text, struct arena *a, struct span *out)
{
    char *to = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? imap_url_hex(text.p[i + 1]) : -1;
            int low = high >= 0 ? imap_url_hex(text.p[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        to[n++] = (char)c;
    }
    *out = span_of(to, n);
    return true;
}

/* Where the last `mark`, in any case of letters, begins in text; text.n if it is not there. */
static size_t imap_url_last(struct span text, struct span mark)
{
    for (size_t i = text.n + 1 - (mark.n <= text.n ? mark.n : text.n + 1); i-- > 0;) {
        if (span_eq_ci(span_to(span_from(text, i), mark.n), mark))
            return i;
    }
    return text.n;
}

/* Cuts what begins with the last `mark` off text: *tail is what stands behind the mark. False: it is not there. */
static bool imap_url_cut(struct span *text, struct span mark, struct span *tail)
{
    size_t at = imap_url_last(*text, mark);
    if (at == text->n)
        return false;
    *tail = span_from(*text, at + mark.n);
    *text = span_to(*text, at);
    return true;
}

/* iserver = [iuserinfo "@"] host [":" port]    iuserinfo = enc-user [iauth] / [enc-user] iauth */
static bool imap_url_server(struct span server, struct arena *a, struct imap_url *out)
{
    size_t at =
        imap_url_last(server, SPAN("@")); /* some clients leave that of an address as it is */
    if (at < server.n) {
        struct span user = span_to(server, at);
        user = span_to(user, span_find(user, ';'));
        if (!imap_url_decode(user, a, &out->user))
            return false;
        server = span_from(server, at + 1);
    }
    struct span port;
    if (server.n > 0 && server.p[server.n - 1] != ']' && imap_url_cut(&server, SPAN(":"), &port)) {
        uint32_t number;
        if (!span_u32(port, &number))
            return false;
    }
    out->host = server;
    return server.n > 0;
}

/* partial-range = number ["." nz-number] */
static bool imap_url_partial(struct span text, struct imap_url *out)
{
    size_t dot = span_find(text, '.');
    out->partial = true;
    if (!span_u64(span_to(text, dot), &out->from))
        return false;
    return dot == text.n ||
           (span_u64(span_from(text, dot + 1), &out->max_bytes) && out->max_bytes > 0);
}

/* imessagepart = imailbox-ref iuid [isection] [ipartial]    RFC 5092 §11 */
static bool imap_url_message(struct span path, struct arena *a, struct imap_url *out)
{
    struct span tail;
    if (imap_url_cut(&path, SPAN("/;PARTIAL="), &tail) && !imap_url_partial(tail, out))
        return false;
    if (imap_url_cut(&path, SPAN("/;SECTION="), &tail) &&
        (tail.n == 0 || !imap_url_decode(tail, a, &out->section)))
        return false;
    if (!imap_url_cut(&path, SPAN("/;UID="), &tail) || !span_u32(tail, &out->uid) || out->uid == 0)
        return false;
    if (imap_url_cut(&path, SPAN(";UIDVALIDITY="), &tail) &&
        (!span_u32(tail, &out->uidvalidity) || out->uidvalidity == 0))
        return false;
    return path.n > 0 && span_find(path, ';') == path.n &&
           imap_url_decode(path, a, &out->mailbox) && utf8_valid(out->mailbox);
}

bool imap_url_parse(struct span text, struct arena *a, struct imap_url *out)
{
    *out = (struct imap_url){.user = SPAN("")};
    struct span server = SPAN(""), rest = text;
    if (span_starts_ci(text, SPAN("imap://")))
        rest = span_from(text, 5);
    if (rest.n >= 2 && rest.p[0] == '/' && rest.p[1] == '/') {
        rest = span_from(rest, 2);
        server = span_to(rest, span_find(rest, '/'));
        rest = span_from(rest, server.n);
        if (!imap_url_server(server, a, out))
            return false;
    }
    return rest.n > 1 && rest.p[0] == '/' && rest.p[1] != '/' &&
           imap_url_message(span_from(rest, 1), a, out);
}
