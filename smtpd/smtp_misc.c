#include "common/buf.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

#define SMTP_MISC_HELP_BYTES 400

enum step smtp_misc_help(struct smtp_session *s, struct span args)
{
    struct buf text;
    size_t n;
    (void)args;
    const struct smtp_verb *verbs = smtp_verbs_table(&n);
    buf_init(&text, SMTP_MISC_HELP_BYTES);
    buf_addz(&text, "this is mailstead; it knows");
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, " %s", verbs[i].name);
    buf_byte(&text, '\0');
    enum step step = smtp_reply(s, 214, "2.0.0", text.p);
    buf_fini(&text);
    return step;
}

enum step smtp_misc_noop(struct smtp_session *s, struct span args)
{
    (void)args;
    return smtp_reply(s, 250, "2.0.0", "ok");
}

enum step smtp_misc_quit(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reply(s, 221, "2.0.0", "goodbye");
    return STEP_CLOSE;
}

enum step smtp_misc_rset(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_session_reset(s);
    return smtp_reply(s, 250, "2.0.0", "ok");
}

/* Whether there is such a user is nobody's business before RCPT: RFC 5321 §3.5.3. */
enum step smtp_misc_vrfy(struct smtp_session *s, struct span args)
{
    (void)args;
    return smtp_reply(s, 252, "2.0.0", "send mail, and RCPT will tell");
}

/* Nothing that was said before TLS holds after it: RFC 3207 §4.2. */
enum step smtp_misc_starttls(struct smtp_session *s, struct span args)
{
    (void)args;
    conn_used(s->conn, s->used);
    if (!conn_starttls(s->conn, s->o->tls)) {
        smtp_reply(s, 554, "5.5.1", "something was sent behind STARTTLS before TLS was up");
        return STEP_CLOSE;
    }
    smtp_reply(s, 220, "2.0.0", "go on with TLS");
    smtp_session_reset(s);
    arena_free(&s->arena);
    s->helo = span_of(NULL, 0);
    s->esmtp = false;
    s->account = 0;
    smtp_session_enter(s, SMTP_GREET);
    smtp_session_shake(s);
    return STEP_DONE;
}
