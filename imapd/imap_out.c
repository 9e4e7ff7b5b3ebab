#include "imapd/imap_out.h"

#include "common/utf8.h"
#include "message/mutf7.h"
#include "imapd/imap_session.h"
#include "store/flags.h"

#include <stdarg.h>
#include <stdio.h>

#define IMAP_OUT_QUOTED_BYTES 1000      /* longer strings go as literals */
#define IMAP_OUT_FLAGS_BYTES (2u << 20) /* more than all keywords of a mailbox */

void imap_out(struct imap_session *s, struct span bytes)
{
    if (!s->conn || bytes.n == 0)
        return;
    s->out_bytes += bytes.n;
    conn_send(s->conn, bytes);
}

void imap_out_f(struct imap_session *s, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof small) {
        imap_out(s, span_of(small, (size_t)n));
    } else if (n > 0) {
        struct buf b;
        buf_init(&b, (size_t)n + 1);
        vsnprintf(buf_room(&b, (size_t)n + 1), (size_t)n + 1, fmt, again);
        buf_grew(&b, (size_t)n);
        imap_out(s, buf_span(&b));
        buf_fini(&b);
    }
    va_end(again);
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE    RFC 9051 §9; UTF-8 in it only for a client that enabled
 * IMAP4rev2 */
static bool imap_out_quotable(const struct imap_session *s, struct span text)
{
    bool wide = false;
    if (text.n > IMAP_OUT_QUOTED_BYTES)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f)
            return false;
        wide |= c >= 0x80;
    }
    return !wide || (imap_session_utf8(s) && utf8_valid(text));
}

void imap_out_string(struct imap_session *s, struct span text)
{
    if (!imap_out_quotable(s, text)) {
        imap_out_f(s, "{%zu}\r\n", text.n);
        imap_out(s, text);
        return;
    }
    imap_out(s, SPAN("\""));
    while (text.n > 0) {
        size_t plain = 0;
        while (plain < text.n && text.p[plain] != '"' && text.p[plain] != '\\')
            plain++;
        imap_out(s, span_to(text, plain));
        if (plain < text.n) {
            imap_out(s, SPAN("\\"));
            imap_out(s, span_of(text.p + plain, 1));
            plain++;
        }
        text = span_from(text, plain);
    }
    imap_out(s, SPAN("\""));
}

void imap_out_mailbox(struct imap_session *s, struct span name)
{
    if (!imap_session_utf8(s))
        name = mutf7_encode(s->cmd.arena, name);
    imap_out_string(s, name);
}

void imap_out_list(struct imap_session *s, const char *attribute, struct span name,
                   struct span given)
{
    imap_out_f(s, "* LIST (%s) \"/\" ", attribute);
    imap_out_mailbox(s, name);
    if (!span_eq_ci(name, given)) {
        imap_out(s, SPAN(" (\"OLDNAME\" ("));
        imap_out_mailbox(s, given);
        imap_out(s, SPAN("))"));
    }
    imap_out(s, SPAN("\r\n"));
}

void imap_out_oldname(struct imap_session *s, const char *attribute, struct span name,
                      struct span given)
{
    if ((s->enabled & IMAP_REV2) && !span_eq_ci(name, given))
        imap_out_list(s, attribute, name, given);
}

void imap_out_flags_text(struct buf *out, uint32_t system, struct span keywords,
                         const struct span *names, size_t n, bool recent)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } known[] = {{FLAGS_ANSWERED, "\\Answered"},
                 {FLAGS_FLAGGED, "\\Flagged"},
                 {FLAGS_DELETED, "\\Deleted"},
                 {FLAGS_SEEN, "\\Seen"},
                 {FLAGS_DRAFT, "\\Draft"}};
    const char *between = "(";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (system & known[i].bit) {
            buf_addz(out, between);
            buf_addz(out, known[i].name);
            between = " ";
        }
    }
    if (recent) {
        buf_addz(out, between);
        buf_addz(out, "\\Recent");
        between = " ";
    }
    for (size_t i = 0; keywords.n > 0 && i < n; i++) {
        if (flags_bit(keywords, i)) {
            buf_addz(out, between);
            buf_add(out, names[i]);
            between = " ";
        }
    }
    buf_addz(out, *between == '(' ? "()" : ")");
}

void imap_out_flags(struct imap_session *s, uint32_t system, struct span keywords,
                    const struct span *names, size_t n, bool recent)
{
    struct buf text;
    buf_init(&text, IMAP_OUT_FLAGS_BYTES);
    imap_out_flags_text(&text, system, keywords, names, n, recent);
    imap_out(s, buf_span(&text));
    buf_fini(&text);
}
