#include "common/b64.h"
#include "common/log.h"
#include "common/mem.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

/* One AUTH, from its mechanism to its answer. */
struct smtp_auth {
    struct auth_request request;
    struct smtp_session *session;
    struct arena *arena; /* of what the peer said */
    bool login;          /* LOGIN: two responses; else PLAIN: one */
    bool user_known;     /* LOGIN: the password is next */
};

void smtp_auth_end(struct smtp_session *s)
{
    struct smtp_auth *auth = s->auth;
    if (!auth)
        return;
    if (auth->request.password.n)
        explicit_bzero((char *)auth->request.password.p,
                       auth->request.password.n); /* our own copy */
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

static void smtp_auth_done(struct auth_request *r)
{
    struct smtp_auth *auth = list_entry(r, struct smtp_auth, request);
    struct smtp_session *s = auth->session;
    if (r->result == ERR_OK) {
        s->account = r->account;
        log_event(LOG_INFO, s->id.text, "auth.ok", "proto=smtp user=\"%s\"",
                  LOG_SPAN(span_cstr(r->address)));
    } else {
        s->auth_refused += r->result == ERR_DENIED;
        log_event(LOG_WARN, s->id.text, "auth.failed", "proto=smtp user=\"%s\" peer=%s kind=%s",
                  LOG_SPAN(r->user), LOG_SPAN(r->peer), fault_name(r->result));
    }
    const struct smtp_say *say = smtp_reply_for(r->result, SMTP_REPLY_AUTH);
    smtp_auth_end(s);
    smtp_session_enter(s, SMTP_HELLO);
    smtp_reply_say(s, say);
    smtp_session_resume(s);
}

static enum step smtp_auth_ask(struct smtp_session *s)
{
    struct smtp_auth *auth = s->auth;
    auth->request.home = loop_post(s->seat->loop);
    auth->request.peer = arena_keep(auth->arena, conn_peer_ip(s->conn));
    auth->request.done = smtp_auth_done;
    smtp_session_pause(s);
    auth_check(s->o->auth, &auth->request);
    return STEP_WAIT;
}

static enum step smtp_auth_plain(struct smtp_session *s, struct span message)
{
    struct auth_request *r = &s->auth->request;
    if (!auth_plain(message, &r->user, &r->password))
        return smtp_auth_fail(s, 501, "5.5.2", "not a PLAIN response");
    return smtp_auth_ask(s);
}

/* draft-murchison-sasl-login-00: base64 of "Username:" and "Password:" */
static enum step smtp_auth_login(struct smtp_session *s, struct span message)
{
    struct smtp_auth *auth = s->auth;
    if (!auth->user_known) {
        auth->request.user = message;
        auth->user_known = true;
        return smtp_reply(s, 334, NULL, "UGFzc3dvcmQ6");
    }
    auth->request.password = message;
    return smtp_auth_ask(s);
}

static enum step smtp_auth_response(struct smtp_session *s, struct span text)
{
    struct span message;
    if (!b64_decode(s->auth->arena, text, &message))
        return smtp_auth_fail(s, 501, "5.5.2", "not base64");
    return s->auth->login ? smtp_auth_login(s, message) : smtp_auth_plain(s, message);
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
    struct span name = span_to(args, end), first = span_trim(span_from(args, end));
    bool login = span_eq_ci(name, SPAN("LOGIN"));
    if (s->account)
        return smtp_reply(s, 503, "5.5.1", "you are authenticated already");
    if (!login && !span_eq_ci(name, SPAN("PLAIN")))
        return smtp_reply(s, 504, "5.5.4", "no such mechanism");
    s->auth = mem_new(struct smtp_auth);
    s->auth->session = s;
    s->auth->arena = arena_new();
    s->auth->login = login;
    smtp_session_enter(s, SMTP_AUTH);
    if (first.n == 0)
        return smtp_reply(s, 334, NULL, login ? "VXNlcm5hbWU6" : "");
    return smtp_auth_response(s, span_eq(first, SPAN("=")) ? span_to(first, 0) : first);
}
