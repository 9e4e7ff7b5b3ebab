#include "smtpd/smtp_body.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

/* The message, until CRLF.CRLF. */
static size_t smtp_data_bytes(struct smtp_session *s, struct span in)
{
    size_t ate = smtp_body_take(s, in);
    if (s->body.dots.at == SMTP_DOTS_END) {
        smtp_body_read_end(s);
        smtp_session_after(s, smtp_body_end(s));
    }
    return ate;
}

enum step smtp_data(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_body_begin(s, SMTP_DOTS_DATA);
    smtp_session_enter(s, SMTP_DATA);
    smtp_body_read(s, smtp_data_bytes);
    return smtp_reply(s, 354, NULL, "go on, and end with CR LF . CR LF");
}
