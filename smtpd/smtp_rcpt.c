#include "common/log.h"
#include "common/scan.h"
#include "common/utf8.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

static enum step smtp_rcpt_refuse(struct smtp_session *s, enum err e, const struct fault *f)
{
    if (e == ERR_IO || e == ERR_CORRUPT)
        log_event(LOG_ERROR, s->id.text, "smtp.failed", "msg=%s why=\"%s\"", s->mail.id.text,
                  f->text);
    return smtp_reply_say(s, smtp_reply_for(e, SMTP_REPLY_RCPT));
}

/* rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]    RFC 5321 §4.1.1.3 */
enum step smtp_rcpt(struct smtp_session *s, struct span args)
{
    struct scan sc = scan_of(args);
    struct fault f = FAULT_NONE;
    s->about = args;
    if (!scan_try_word(&sc, SPAN("TO:")))
        return smtp_reply(s, 501, "5.5.4", "RCPT TO:<address>");
    while (scan_try(&sc, ' '))
        ;
    struct address to = address_path(&sc, s->seat->scratch, false, true);
    if (!scan_ok(&sc))
        return smtp_reply(s, 501, "5.1.3", sc.why);
    if (!scan_done(&sc))
        return smtp_reply(s, 555, "5.5.4", "no such parameter");
    if (!s->mail.utf8 && !(utf8_ascii(to.local) && utf8_ascii(to.domain)))
        return smtp_reply(s, 553, "5.6.7", "such an address needs SMTPUTF8");
    enum err e = delivery_rcpt(s->mail.delivery, to, &f);
    if (e != ERR_OK)
        return smtp_rcpt_refuse(s, e, &f);
    if (s->state == SMTP_MAIL) {
        s->mail.only_rcpt = arena_keep(s->mail.arena, address_text(s->seat->scratch, to));
        smtp_session_enter(s, SMTP_RCPT);
    }
    return smtp_reply_say(s, smtp_reply_for(ERR_OK, SMTP_REPLY_RCPT));
}
