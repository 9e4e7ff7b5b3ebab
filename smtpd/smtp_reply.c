#include "smtpd/smtp_reply.h"

#include "common/log.h"
#include "common/must.h"

#include <stdio.h>

/* clang-format off */
static const struct smtp_say smtp_says[SMTP_REPLY_COUNT][ERR_COUNT] = {
    [SMTP_REPLY_RCPT] = {
        [ERR_OK]       = {250, "2.1.5", "ok"},
        [ERR_NOTFOUND] = {550, "5.1.1", "no such recipient here"},
        [ERR_EXISTS]   = {451, "4.3.0", "try again later"},
        [ERR_DENIED]   = {550, "5.7.1", "we do not relay: not a domain of ours"},
        [ERR_INVALID]  = {553, "5.1.3", "not an address we understand"},
        [ERR_LIMIT]    = {452, "4.5.3", "too many recipients"}, /* RFC 5321 §4.5.3.1.10 */
        [ERR_QUOTA]    = {452, "4.2.2", "mailbox full, try again later"},
        [ERR_FULL]     = {452, "4.3.1", "no room for mail now, try again later"},
        [ERR_BUSY]     = {451, "4.3.2", "busy, try again later"},
        [ERR_IO]       = {451, "4.3.0", "try again later"},
        [ERR_CORRUPT]  = {451, "4.3.5", "this address is set up wrongly, try again later"}, /* the administrator may see to it */
    },
    [SMTP_REPLY_BODY] = {
        [ERR_OK]       = {250, "2.0.0", "ok"},
        [ERR_NOTFOUND] = {451, "4.2.1", "a recipient is gone, try again"}, /* and RCPT will say which */
        [ERR_EXISTS]   = {451, "4.3.0", "try again later"},
        [ERR_DENIED]   = {550, "5.7.1", "not allowed"},
        [ERR_INVALID]  = {554, "5.6.0", "not a message we understand"},
        [ERR_LIMIT]    = {552, "5.3.4", "message too large"}, /* RFC 1870 §6.1 */
        [ERR_QUOTA]    = {452, "4.2.2", "mailbox full, try again later"},
        [ERR_FULL]     = {452, "4.3.1", "no room for mail now, try again later"},
        [ERR_BUSY]     = {451, "4.3.2", "busy, try again later"},
        [ERR_IO]       = {451, "4.3.0", "try again later"},
        [ERR_CORRUPT]  = {451, "4.3.0", "try again later"}, /* the log has the truth */
    },
    [SMTP_REPLY_AUTH] = { /* RFC 4954 §6 */
        [ERR_OK]       = {235, "2.7.0", "authenticated"},
        [ERR_NOTFOUND] = {535, "5.7.8", "wrong user name or password"},
        [ERR_EXISTS]   = {454, "4.7.0", "try again later"},
        [ERR_DENIED]   = {535, "5.7.8", "wrong user name or password"},
        [ERR_INVALID]  = {535, "5.7.8", "wrong user name or password"},
        [ERR_LIMIT]    = {454, "4.7.0", "try again later"},
        [ERR_QUOTA]    = {454, "4.7.0", "try again later"},
        [ERR_FULL]     = {454, "4.7.0", "try again later"},
        [ERR_BUSY]     = {454, "4.7.0", "busy, try again later"},
        [ERR_IO]       = {454, "4.7.0", "try again later"},
        [ERR_CORRUPT]  = {454, "4.7.0", "try again later"},
    },
};
/* clang-format on */

const struct smtp_say *smtp_reply_for(enum err e, enum smtp_reply_to to)
{
    must(e < ERR_COUNT && to < SMTP_REPLY_COUNT);
    return &smtp_says[to][e];
}

static void smtp_reply_line(struct smtp_session *s, int code, char divider, const char *enhanced,
                            const char *text)
{
    char line[512]; /* RFC 5321 §4.5.3.1.5 */
    if (!s->conn)
        return;
    int n = snprintf(line, sizeof line, "%03d%c%s%s%s\r\n", code, divider, enhanced ? enhanced : "",
                     enhanced ? " " : "", text);
    must(n > 0 && (size_t)n < sizeof line);
    conn_send(s->conn, span_of(line, (size_t)n));
}

enum step smtp_reply(struct smtp_session *s, int code, const char *enhanced, const char *text)
{
    if (code >= 500)
        s->errors++;
    if (code >= 400)
        log_event(LOG_INFO, s->id.text, "smtp.refused",
                  "verb=%s about=\"%s\" code=%d status=%s why=\"%s\"", s->verb ? s->verb : "-",
                  LOG_SPAN(s->about), code, enhanced ? enhanced : "-", text);
    smtp_reply_line(s, code, ' ', enhanced, text);
    return STEP_DONE;
}

enum step smtp_reply_say(struct smtp_session *s, const struct smtp_say *say)
{
    return smtp_reply(s, say->code, say->enhanced, say->text);
}

void smtp_reply_more(struct smtp_session *s, int code, const char *text)
{
    smtp_reply_line(s, code, '-', NULL, text);
}
