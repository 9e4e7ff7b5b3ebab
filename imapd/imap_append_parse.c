#include "imapd/imap_append_parse.h"

#include "imapd/imap_parse.h"

static enum imap_append_what imap_append_fail(struct imap_append_parse *p, const char *why)
{
    scan_fail(&p->in, why);
    return IMAP_APPEND_SYNTAX;
}

/* The text ends here, in the announcement of a literal. */
static enum imap_append_what imap_append_literal(struct imap_append_parse *p,
                                                 enum imap_append_where next)
{
    scan_end(&p->in, "Expected a literal");
    if (!scan_ok(&p->in) || !p->literal)
        return imap_append_fail(p, "Expected a literal");
    p->where = next;
    return IMAP_APPEND_LITERAL;
}

/* append-opts = [SP flag-list] [SP date-time]    RFC 4466 §2.5, and the space behind */
static enum imap_append_what imap_append_options(struct imap_append_parse *p, struct arena *a,
                                                 struct imap_append_item *out)
{
    imap_parse_sp(&p->in);
    if (scan_peek(&p->in) == '(') {
        out->flags = imap_parse_flags(&p->in, a);
        imap_parse_sp(&p->in);
    }
    out->dated = scan_peek(&p->in) == '"';
    if (out->dated) {
        out->date = imap_parse_date_time(&p->in);
        imap_parse_sp(&p->in);
    }
    p->where = IMAP_APPEND_DATA;
    return scan_ok(&p->in) ? IMAP_APPEND_MESSAGE : IMAP_APPEND_SYNTAX;
}

/* cat-part = text-literal / url    text-literal = "TEXT" SP literal    url = "URL" SP astring
 * RFC 4469 §5 */
static enum imap_append_what imap_append_part(struct imap_append_parse *p, struct arena *a,
                                              struct imap_append_item *out)
{
    p->where = IMAP_APPEND_PART;
    if (scan_try_word(&p->in, SPAN("TEXT ")))
        return imap_append_literal(p, IMAP_APPEND_PART);
    if (!scan_try_word(&p->in, SPAN("URL ")))
        return imap_append_fail(p, "Expected TEXT or URL");
    out->url = imap_parse_astring(&p->in, a);
    return scan_ok(&p->in) ? IMAP_APPEND_URL : IMAP_APPEND_SYNTAX;
}

static enum imap_append_what imap_append_ended(struct imap_append_parse *p)
{
    p->where = IMAP_APPEND_BEGIN;
    return IMAP_APPEND_ENDED;
}

/* append-message = append-opts SP append-data
 * append-data = literal / literal8 / "UTF8" SP "(" literal8 ")" /
 *               "CATENATE" SP "(" cat-part *(SP cat-part) ")"
 * RFC 4466 §2.5, RFC 6855 §4, RFC 4469 §5 */
enum imap_append_what imap_append_parse_next(struct imap_append_parse *p, struct arena *a,
                                             struct imap_append_item *out)
{
    *out = (struct imap_append_item){.dated = false};
    switch (p->where) {
    case IMAP_APPEND_BEGIN:
        if (scan_ok(&p->in) && scan_done(&p->in) && !p->literal)
            return IMAP_APPEND_ALL;
        return imap_append_options(p, a, out);
    case IMAP_APPEND_DATA:
        if (scan_try_word(&p->in, SPAN("UTF8 (")))
            return imap_append_literal(p, IMAP_APPEND_UTF8);
        if (!scan_try_word(&p->in, SPAN("CATENATE (")))
            return imap_append_literal(p, IMAP_APPEND_WHOLE);
        return imap_append_part(p, a, out);
    case IMAP_APPEND_WHOLE:
        return imap_append_ended(p);
    case IMAP_APPEND_UTF8:
        scan_byte(&p->in, ')', "Expected ) behind the literal");
        return scan_ok(&p->in) ? imap_append_ended(p) : IMAP_APPEND_SYNTAX;
    case IMAP_APPEND_PART:
        if (scan_try(&p->in, ')'))
            return imap_append_ended(p);
        imap_parse_sp(&p->in);
        return imap_append_part(p, a, out);
    }
    return imap_append_fail(p, "Expected a message");
}
