#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

#include <stdio.h>

#define SMTP_HELLO_BYTES 255 /* RFC 5321 §4.5.3.1.2 */

static bool smtp_hello_byte(unsigned char c)
{
    c = span_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 || strchr(".-_:[]", c);
}

/* A host name or an address literal; leniently, for it proves nothing. */
static bool smtp_hello_name(struct span name)
{
    if (name.n == 0 || name.n > SMTP_HELLO_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || !smtp_hello_byte((unsigned char)name.p[i]))
            return false;
    return true;
}

/* A session begins, or begins anew: RFC 5321 §4.1.4. */
static bool smtp_hello(struct smtp_session *s, struct span name, bool esmtp)
{
    if (!smtp_hello_name(name)) {
        s->about = name;
        smtp_reply(s, 501, "5.5.4", "needs a host name or an address in brackets");
        return false;
    }
    smtp_session_reset(s);
    if (s->arena)
        arena_reset(s->arena);
    else
        s->arena = arena_new();
    s->helo = arena_keep(s->arena, name);
    s->esmtp = esmtp;
    smtp_session_enter(s, SMTP_HELLO);
    return true;
}

enum step smtp_hello_helo(struct smtp_session *s, struct span args)
{
    char text[300];
    if (!smtp_hello(s, args, false))
        return STEP_DONE;
    snprintf(text, sizeof text, "%.255s", s->o->hostname);
    return smtp_reply(s, 250, NULL, text);
}

enum step smtp_hello_ehlo(struct smtp_session *s, struct span args)
{
    char text[300];
    if (!smtp_hello(s, args, true))
        return STEP_DONE;
    snprintf(text, sizeof text, "%.255s", s->o->hostname);
    smtp_reply_more(s, 250, text);
    smtp_reply_more(s, 250, "PIPELINING");
    snprintf(text, sizeof text, "SIZE %zu", route_options(s->o->route)->message_bytes);
    smtp_reply_more(s, 250, text);
    smtp_reply_more(s, 250, "8BITMIME");
    smtp_reply_more(s, 250, "SMTPUTF8");
    smtp_reply_more(s, 250, "ENHANCEDSTATUSCODES");
    smtp_reply_more(s, 250, "CHUNKING");
    if (s->o->tls && !conn_is_tls(s->conn))
        smtp_reply_more(s, 250, "STARTTLS");
    if (s->o->role == SMTPD_SUBMISSION && s->o->auth && smtp_verbs_may_auth(s))
        smtp_auth_offer(s);
    return smtp_reply(s, 250, NULL, "HELP");
}
