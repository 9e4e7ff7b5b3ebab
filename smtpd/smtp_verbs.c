#include "smtpd/smtp_verbs.h"

#include "common/sm.h"
#include "smtpd/smtp_reply.h"

#define IN(state) SM_TO(state)
#define READY (IN(SMTP_HELLO))
#define OPEN (IN(SMTP_GREET) | IN(SMTP_HELLO) | IN(SMTP_MAIL) | IN(SMTP_RCPT) | IN(SMTP_BDAT))

/* clang-format off */
static const struct smtp_verb smtp_verbs[] = { /* sorted; a test checks it */
    {"AUTH",     READY,                             SMTP_VERB_AUTH_DOOR | SMTP_VERB_NEEDS_TLS | SMTP_VERB_NEEDS_ARGS, smtp_auth}, /* RFC 4954 §4 */
    {"BDAT",     IN(SMTP_RCPT) | IN(SMTP_BDAT),     SMTP_VERB_NEEDS_AUTH | SMTP_VERB_NEEDS_ARGS | SMTP_VERB_CHUNK, smtp_bdat}, /* RFC 3030 §2 */
    {"DATA",     IN(SMTP_RCPT),                     SMTP_VERB_NEEDS_AUTH | SMTP_VERB_NO_ARGS,  smtp_data},
    {"EHLO",     OPEN,                              SMTP_VERB_NEEDS_ARGS,                      smtp_hello_ehlo},
    {"HELO",     OPEN,                              SMTP_VERB_NEEDS_ARGS,                      smtp_hello_helo},
    {"HELP",     OPEN,                              SMTP_VERB_JUNK,                            smtp_misc_help},
    {"MAIL",     READY,                             SMTP_VERB_NEEDS_AUTH | SMTP_VERB_NEEDS_ARGS, smtp_mail},
    {"NOOP",     OPEN,                              SMTP_VERB_JUNK,                            smtp_misc_noop},
    {"QUIT",     OPEN,                              0,                                         smtp_misc_quit},
    {"RCPT",     IN(SMTP_MAIL) | IN(SMTP_RCPT),     SMTP_VERB_NEEDS_AUTH | SMTP_VERB_NEEDS_ARGS, smtp_rcpt},
    {"RSET",     OPEN,                              SMTP_VERB_NO_ARGS | SMTP_VERB_JUNK,        smtp_misc_rset},
    {"STARTTLS", IN(SMTP_GREET) | READY,            SMTP_VERB_TLS_DOOR | SMTP_VERB_NO_ARGS,    smtp_misc_starttls}, /* RFC 3207 §4 */
    {"VRFY",     OPEN,                              SMTP_VERB_NEEDS_ARGS | SMTP_VERB_JUNK,     smtp_misc_vrfy},
};
/* What to say to a verb that is not for this state. */
static const struct smtp_say smtp_verbs_order[SMTP_STATES] = {
    [SMTP_GREET] = {503, "5.5.1", "say EHLO first"},
    [SMTP_HELLO] = {503, "5.5.1", "say MAIL first"},
    [SMTP_MAIL]  = {503, "5.5.1", "needs a recipient that was accepted"},
    [SMTP_RCPT]  = {503, "5.5.1", "a message is under way: RSET forgets it"},
    [SMTP_DATA]  = {503, "5.5.1", "not now"},
    [SMTP_BDAT]  = {503, "5.5.1", "only BDAT or RSET between two chunks"},
    [SMTP_AUTH]  = {503, "5.5.1", "not now"},
    [SMTP_BYE]   = {503, "5.5.1", "not now"},
};
/* What browsers and proxies say, which are made to talk to us by others (ALPACA). */
static const char *const smtp_verbs_foreign[] = {"CONNECT", "GET", "HEAD", "OPTIONS", "POST", "PUT"};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof *(table))

const struct smtp_verb *smtp_verbs_table(size_t *n_out)
{
    *n_out = COUNT(smtp_verbs);
    return smtp_verbs;
}

static const struct smtp_verb *smtp_verbs_find(struct span word)
{
    size_t low = 0, high = COUNT(smtp_verbs);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = span_cmp_ci(word, span_cstr(smtp_verbs[middle].name));
        if (order == 0)
            return &smtp_verbs[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static enum step smtp_verbs_unknown(struct smtp_session *s, struct span word)
{
    for (size_t i = 0; i < COUNT(smtp_verbs_foreign); i++) {
        if (span_eq_ci(word, span_cstr(smtp_verbs_foreign[i]))) {
            smtp_reply(s, 554, "5.5.1", "this is a mail server");
            return STEP_CLOSE;
        }
    }
    return smtp_reply(s, 500, "5.5.1", "no such command");
}

bool smtp_verbs_may_auth(const struct smtp_session *s)
{
    return conn_is_tls(s->conn) || (s->o->plaintext_auth && conn_peer_loopback(s->conn));
}

/* Does this door have it at all? */
static const struct smtp_say *smtp_verbs_door(const struct smtp_session *s,
                                              const struct smtp_verb *v)
{
    static const struct smtp_say no_auth = {502, "5.5.1",
                                            "AUTH is for submission, not for this port"},
                                 no_tls = {502, "5.5.1", "STARTTLS is not offered"},
                                 is_tls = {503, "5.5.1", "TLS is up already"};
    if ((v->flags & SMTP_VERB_AUTH_DOOR) && (s->o->role != SMTPD_SUBMISSION || !s->o->auth))
        return &no_auth;
    if ((v->flags & SMTP_VERB_TLS_DOOR) && conn_is_tls(s->conn))
        return &is_tls;
    return (v->flags & SMTP_VERB_TLS_DOOR) && !s->o->tls ? &no_tls : NULL;
}

static bool smtp_verbs_stranger(const struct smtp_session *s)
{
    return s->o->role == SMTPD_SUBMISSION && !s->o->open && s->account == 0;
}

/* In this order: is it there, is it its time, TLS, who, arguments. NULL: go ahead. */
static const struct smtp_say *smtp_verbs_refusal(const struct smtp_session *s,
                                                 const struct smtp_verb *v, struct span args)
{
    static const struct smtp_say tls_first = {538, "5.7.11", "needs TLS: say STARTTLS first"},
                                 auth_first = {530, "5.7.0", "say AUTH first"},
                                 extra = {501, "5.5.4", "takes no argument"},
                                 missing = {501, "5.5.4", "needs an argument"};
    const struct smtp_say *say = smtp_verbs_door(s, v);
    if (say)
        return say;
    if (!(v->states & SM_TO(s->state)))
        return &smtp_verbs_order[s->state];
    if ((v->flags & SMTP_VERB_NEEDS_TLS) && !smtp_verbs_may_auth(s))
        return &tls_first;
    if ((v->flags & SMTP_VERB_NEEDS_AUTH) && smtp_verbs_stranger(s))
        return &auth_first;
    if ((v->flags & SMTP_VERB_NO_ARGS) && args.n > 0)
        return &extra;
    return (v->flags & SMTP_VERB_NEEDS_ARGS) && args.n == 0 ? &missing : NULL;
}

enum step smtp_verbs_run(struct smtp_session *s, struct span line)
{
    size_t end = span_find(line, ' ');
    struct span args = span_trim(span_from(line, end));
    const struct smtp_verb *v = smtp_verbs_find(span_to(line, end));
    s->verb = v ? v->name : "-";
    if (!v)
        return smtp_verbs_unknown(s, span_to(line, end));
    s->junk += (v->flags & SMTP_VERB_JUNK) != 0;
    const struct smtp_say *say = smtp_verbs_refusal(s, v, args);
    if (!say)
        return v->run(s, args);
    return v->flags & SMTP_VERB_CHUNK ? smtp_bdat_refuse(s, args, say) : smtp_reply_say(s, say);
}
