#include "common/scan.h"
#include "smtpd/smtp_body.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

#include <inttypes.h>
#include <stdio.h>

/* bdat-cmd = "BDAT" SP chunk-size [SP "LAST"]    RFC 3030 §2 */
static bool smtp_bdat_parse(struct span args, uint64_t *bytes, bool *last)
{
    struct scan sc = scan_of(args);
    *bytes = scan_u64(&sc, "a number");
    *last = false;
    if (!scan_done(&sc)) {
        scan_byte(&sc, ' ', "a space");
        while (scan_try(&sc, ' '))
            ;
        *last = scan_try_word(&sc, SPAN("LAST"));
        if (!*last)
            scan_fail(&sc, "LAST");
    }
    scan_end(&sc, "nothing more");
    return scan_ok(&sc);
}

/* The chunk has been read. */
static enum step smtp_bdat_end(struct smtp_session *s)
{
    char text[64];
    if (s->body.last) {
        smtp_dots_finish(&s->body.dots);
        return smtp_body_end(s);
    }
    if (s->body.refusal)
        return smtp_body_refused(s);
    snprintf(text, sizeof text, "%" PRIu64 " bytes so far", s->body.bytes);
    return smtp_reply(s, 250, "2.0.0", text);
}

static size_t smtp_bdat_bytes(struct smtp_session *s, struct span in)
{
    size_t ate = smtp_body_take(s, span_to(in, s->body.left < in.n ? (size_t)s->body.left : in.n));
    s->body.left -= ate;
    if (s->body.left == 0) {
        smtp_body_read_end(s);
        smtp_session_after(s, smtp_bdat_end(s));
    }
    return ate;
}

/* Without knowing how long the chunk is we would take it for commands. */
static enum step smtp_bdat_broken(struct smtp_session *s)
{
    smtp_reply(s, 501, "5.5.4", "BDAT length [LAST]");
    return STEP_CLOSE;
}

enum step smtp_bdat(struct smtp_session *s, struct span args)
{
    uint64_t bytes;
    bool last;
    if (!smtp_bdat_parse(args, &bytes, &last))
        return smtp_bdat_broken(s);
    if (!s->body.begun) {
        smtp_body_begin(s, SMTP_DOTS_BDAT);
        smtp_session_enter(s, SMTP_BDAT);
    }
    s->body.left = bytes;
    s->body.last = last;
    if (bytes == 0)
        return smtp_bdat_end(s);
    smtp_body_read(s, smtp_bdat_bytes);
    return STEP_DONE;
}

/* --- a chunk that nobody asked for --- */

static enum step smtp_bdat_refused(struct smtp_session *s)
{
    const struct smtp_say *say = s->body.refusal;
    memset(&s->body, 0, sizeof s->body);
    return smtp_reply_say(s, say);
}

static size_t smtp_bdat_skip(struct smtp_session *s, struct span in)
{
    size_t n = s->body.left < in.n ? (size_t)s->body.left : in.n;
    s->body.left -= n;
    s->body.read += n;
    if (s->body.left == 0) {
        smtp_body_read_end(s);
        smtp_session_after(s, smtp_bdat_refused(s));
    }
    return n;
}

enum step smtp_bdat_refuse(struct smtp_session *s, struct span args, const struct smtp_say *say)
{
    uint64_t bytes;
    bool last;
    if (!smtp_bdat_parse(args, &bytes, &last) || s->body.begun)
        return smtp_bdat_broken(s);
    s->body.refusal = say;
    s->body.left = bytes;
    if (bytes == 0)
        return smtp_bdat_refused(s);
    smtp_body_read(s, smtp_bdat_skip);
    return STEP_DONE;
}
