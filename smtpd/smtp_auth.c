#include "common/b64.h"
#include "common/log.h"
#include "common/mem.h"
#include "net/tls.h"
#include "auth/sasl.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

#include <stdio.h>

/* One AUTH, from its mechanism to its answer. */
struct smtp_auth {
    struct sasl *sasl;
    struct smtp_session *session;
    struct arena *arena; /* of what the peer said, decoded */
};

static struct sasl_door smtp_auth_door(const struct smtp_session *s)
{
    return (struct sasl_door){.auth = s->o->auth,
                              .protocol = AUTH_SUBMISSION,
                              .may_password = smtp_verbs_may_auth(s),
                              .tls = conn_tls(s->conn),
                              .binding = tls_binding,
                              .certificate = tls_certificate};
}

void smtp_auth_offer(struct smtp_session *s)
{
    struct sasl_door door = smtp_auth_door(s);
    struct buf text;
    const char *name;
    buf_init(&text, 500); /* a reply line has 512 bytes, RFC 5321 §4.5.3.1.5 */
    (void)buf_addz(&text, "AUTH");
    for (size_t i = 0; (name = sasl_offered(&door, i)) != NULL; i++)
        (void)buf_addf(&text, " %s", name);
    (void)buf_byte(&text, '\0');
    smtp_reply_more(s, 250, text.p);
    buf_fini(&text);
}

void smtp_auth_end(struct smtp_session *s)
{
    struct smtp_auth *auth = s->auth;
    if (!auth)
        return;
    sasl_free(&auth->sasl);
    arena_free(&auth->arena);
    mem_free(auth);
    s->auth = NULL;
}

/* It ends without an answer. */
static enum step smtp_auth_fail(struct smtp_session *s, int code, const char *enhanced,
                                const char *text)
{
    smtp_auth_end(s);
    smtp_session_enter(s, SMTP_HELLO);
    return smtp_reply(s, code, enhanced, text);
}

/* Why not, in words; the codes are the same for all, RFC 4954 §6. */
/* clang-format off */
static const struct smtp_say smtp_auth_says[AUTH_WHY_COUNT] = {
    [AUTH_WHY_NOT_AT_ALL] = {535, "5.7.8", "wrong user name or password"},
    [AUTH_WHY_WRONG]      = {535, "5.7.8", "wrong user name or password"},
    [AUTH_WHY_EXPIRED]    = {535, "5.7.8", "this password or token has expired"},
    [AUTH_WHY_FORBIDDEN]  = {535, "5.7.8", "not allowed with this user, protocol or network"},
    [AUTH_WHY_CONTACT]    = {535, "5.7.8", "you are known, but have no account here"},
    [AUTH_WHY_LATER]      = {454, "4.7.0", "busy, try again later"},
};
/* clang-format on */

static enum step smtp_auth_answered(struct smtp_session *s)
{
    const struct smtp_auth *auth = s->auth;
    const struct auth_request *r = sasl_answer(auth->sasl);
    const char *mechanism = sasl_mechanism(auth->sasl);
    const struct smtp_say *say = r->result == ERR_DENIED
                                     ? &smtp_auth_says[r->why]
                                     : smtp_reply_for(r->result, SMTP_REPLY_AUTH);
    if (r->result == ERR_OK) {
        s->account = r->account;
        log_event(LOG_INFO, s->id.text, "auth.ok",
                  "proto=smtp user=\"%s\" mechanism=%s credential=\"%s\"",
                  LOG_SPAN(span_cstr(r->address)), mechanism, LOG_SPAN(span_cstr(r->credential)));
    } else {
        s->auth_refused += r->result == ERR_DENIED;
        log_event(LOG_WARN, s->id.text, "auth.failed",
                  "proto=smtp user=\"%s\" peer=%s kind=%s mechanism=%s credential=\"%s\"",
                  LOG_SPAN(r->user), LOG_SPAN(r->peer), fault_name(r->result), mechanism,
                  LOG_SPAN(span_cstr(r->credential)));
    }
    smtp_auth_end(s);
    smtp_session_enter(s, SMTP_HELLO);
    return smtp_reply_say(s, say);
}

static enum step smtp_auth_challenge(struct smtp_session *s)
{
    struct buf text;
    buf_init(&text, 16u << 10);
    (void)b64_encode(sasl_challenge(s->auth->sasl), &text);
    (void)buf_byte(&text, '\0');
    enum step step = smtp_reply(s, 334, NULL, text.p);
    buf_fini(&text);
    return step;
}

/* How the exchange goes on. */
static enum step smtp_auth_go(struct smtp_session *s)
{
    struct sasl *sasl = s->auth->sasl;
    enum err e = sasl_answer(sasl)->result;
    enum sasl_is is = sasl_goes(sasl);
    if (is == SASL_CHALLENGE)
        return smtp_auth_challenge(s);
    if (is == SASL_WAIT) {
        smtp_session_pause(s);
        return STEP_WAIT;
    }
    if (is == SASL_FAILED && (e == ERR_NOTFOUND || e == ERR_LIMIT))
        return smtp_auth_fail(s, 504, "5.5.4", "no such mechanism");
    if (is == SASL_FAILED && e == ERR_INVALID)
        return smtp_auth_fail(s, 501, "5.5.2", "not a response of this mechanism");
    return smtp_auth_answered(s);
}

/* The connection may have ended meanwhile: then the reply goes nowhere. */
static void smtp_auth_told(void *owner)
{
    struct smtp_session *s = ((struct smtp_auth *)owner)->session;
    (void)smtp_auth_go(s); /* never STEP_WAIT: the question is answered */
    smtp_session_resume(s);
}

static enum step smtp_auth_response(struct smtp_session *s, struct span text)
{
    struct span message;
    if (!b64_decode(s->auth->arena, text, &message))
        return smtp_auth_fail(s, 501, "5.5.2", "not base64");
    sasl_step(s->auth->sasl, message);
    explicit_bzero((char *)(uintptr_t)message.p, message.n); /* our own copy */
    return smtp_auth_go(s);
}

enum step smtp_auth_line(struct smtp_session *s, struct span line)
{
    s->verb = "AUTH";
    if (span_eq(line, SPAN("*")))
        return smtp_auth_fail(s, 501, "5.7.0", "cancelled");
    return smtp_auth_response(s, line);
}

/* "AUTH" SP sasl-mech [SP initial-response]    RFC 4954 §8 */
enum step smtp_auth(struct smtp_session *s, struct span args)
{
    size_t end = span_find(args, ' ');
    struct span name = span_to(args, end), first = span_trim(span_from(args, end)), message;
    if (s->account)
        return smtp_reply(s, 503, "5.5.1", "you are authenticated already");
    struct sasl_door door = smtp_auth_door(s);
    struct smtp_auth *auth = mem_new(struct smtp_auth);
    auth->session = s;
    auth->arena = arena_new();
    auth->sasl =
        sasl_new(&door, conn_peer_ip(s->conn), loop_post(s->seat->loop), smtp_auth_told, auth);
    s->auth = auth;
    smtp_session_enter(s, SMTP_AUTH);
    if (!b64_decode(auth->arena, span_eq(first, SPAN("=")) ? SPAN("") : first, &message))
        return smtp_auth_fail(s, 501, "5.5.2", "not base64");
    sasl_begin(auth->sasl, name, first.n ? &message : NULL);
    return smtp_auth_go(s);
}
