#include "common/b64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "net/tls.h"
#include "auth/sasl.h"
#include "imapd/imap_input.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_login.h"
#include "imapd/imap_misc.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

#include <inttypes.h>

/* The question to auth; outlives the connection if that ends first. */
struct imap_login {
    struct auth_request request; /* of LOGIN */
    struct sasl *sasl;           /* of AUTHENTICATE; NULL: it is LOGIN */
    struct imap_session *session;
};

static void imap_login_cleanup(struct imap_cmd *c)
{
    struct imap_login *l = c->state;
    if (l->request.password.n)
        explicit_bzero((char *)(uintptr_t)l->request.password.p,
                       l->request.password.n); /* our own copy */
    sasl_free(&l->sasl);
    mem_free(l);
}

static const struct auth_request *imap_login_answer(const struct imap_login *l)
{
    return l->sasl ? sasl_answer(l->sasl) : &l->request;
}

static const char *imap_login_mechanism(const struct imap_login *l)
{
    return l->sasl ? sasl_mechanism(l->sasl) : "LOGIN";
}

/* --- what is offered --- */

static struct sasl_door imap_login_door(const struct imap_session *s)
{
    return (struct sasl_door){.auth = s->options->auth,
                              .protocol = AUTH_IMAP,
                              .may_password = imap_misc_may_login(s),
                              .tls = conn_tls(s->conn),
                              .binding = tls_binding,
                              .certificate = tls_certificate};
}

bool imap_login_offers(const struct imap_session *s)
{
    struct sasl_door door = imap_login_door(s);
    return sasl_offered(&door, 0) != NULL;
}

void imap_login_mechanisms(const struct imap_session *s, struct buf *out)
{
    struct sasl_door door = imap_login_door(s);
    const char *name;
    for (size_t i = 0; (name = sasl_offered(&door, i)) != NULL; i++)
        buf_addf(out, "%s%s", i ? " AUTH=" : "", name);
}

/* --- refused --- */

/* RFC 5530 §3 */
/* clang-format off */
static const struct {
    const char *code, *text;
} imap_login_says[AUTH_WHY_COUNT] = {
    [AUTH_WHY_NOT_AT_ALL] = {"UNAVAILABLE",          "Cannot check passwords now, try again later"},
    [AUTH_WHY_WRONG]      = {"AUTHENTICATIONFAILED", "Wrong user name or password"},
    [AUTH_WHY_EXPIRED]    = {"EXPIRED",              "This password or token has expired"},
    [AUTH_WHY_FORBIDDEN]  = {"AUTHORIZATIONFAILED",  "Not allowed with this user, protocol or network"},
    [AUTH_WHY_CONTACT]    = {"CONTACTADMIN",         "You are known, but have no account here"},
    [AUTH_WHY_LATER]      = {"UNAVAILABLE",          "Cannot check passwords now, try again later"},
};
/* clang-format on */

static enum step imap_login_no(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    const struct imap_login *l = c->state;
    const struct auth_request *r = imap_login_answer(l);
    enum auth_why why =
        r->result == ERR_DENIED || r->result == ERR_INVALID ? r->why : AUTH_WHY_LATER;
    const char *code = imap_login_says[why].code;
    log_event(LOG_WARN, s->id.text, "imap.login_failed",
              "user=\"%s\" peer=%s why=%s mechanism=%s credential=\"%s\"", LOG_SPAN(r->user),
              LOG_SPAN(conn_peer_ip(s->conn)), code, imap_login_mechanism(l),
              LOG_SPAN(span_cstr(r->credential)));
    imap_reply_no(c, code, imap_login_says[why].text);
    imap_session_bad(s); /* guesses are counted like nonsense */
    return STEP_DONE;
}

static enum step imap_login_private(struct imap_cmd *c)
{
    return imap_reply_no(c, "PRIVACYREQUIRED",
                         "Passwords are taken only over TLS: use STARTTLS or the imaps port");
}

/* --- in --- */

/* On the loop of the account now. */
static enum step imap_login_arrived(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    const struct imap_login *l = c->state;
    unsigned most = s->options->limits.user_count;
    if (!imapd_home_enter(s->home, s->account, most)) {
        log_event(LOG_WARN, s->id.text, "imap.limit", "user=\"%s\" sessions=%u",
                  LOG_SPAN(s->address), most);
        return imap_reply_no(
            c, "LIMIT",
            arena_printf(c->arena,
                         "%u connections of this account; close some or ask your administrator",
                         most)
                .p);
    }
    s->counted = true;
    imap_session_known(s); /* no stranger any more */
    imap_session_enter(s, IMAP_AUTH);
    s->active_ms = s->looked_ms = clock_ms(); /* the deadline of authentication has been met */
    imap_session_deadline(s);
    log_event(LOG_INFO, s->id.text, "imap.login",
              "user=\"%s\" account=%" PRIu64 " peer=%s tls=\"%s\" mechanism=%s credential=\"%s\"",
              LOG_SPAN(s->address), s->account, LOG_SPAN(conn_peer_ip(s->conn)),
              LOG_SPAN(conn_tls_text(s->conn)), imap_login_mechanism(l),
              LOG_SPAN(span_cstr(imap_login_answer(l)->credential)));
    return imap_reply_ok(c, imap_capability_text(s), "Logged in");
}

static enum step imap_login_decided(struct imap_cmd *c)
{
    const struct auth_request *r = imap_login_answer(c->state);
    if (r->result == ERR_OK)
        return imap_session_login(c, r->account, r->address, imap_login_arrived);
    return imap_login_no(c);
}

static struct imap_login *imap_login_new(struct imap_cmd *c)
{
    struct imap_login *l = mem_new(struct imap_login);
    l->session = c->session;
    c->state = l;
    c->cleanup = imap_login_cleanup;
    return l;
}

/* --- LOGIN --- */

static void imap_login_answered(struct auth_request *r)
{
    imap_session_resume(list_entry(r, struct imap_login, request)->session);
}

/* login = "LOGIN" SP userid SP password    RFC 9051 §6.2.3 */
enum step imap_login_login(struct imap_cmd *c)
{
    struct span user = imap_parse_astring(&c->args, c->arena);
    imap_parse_sp(&c->args);
    struct span password = imap_parse_astring(&c->args, c->arena);
    scan_end(&c->args, "Unexpected text behind the password");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (!imap_misc_may_login(c->session))
        return imap_login_private(c);
    struct imap_login *l = imap_login_new(c);
    l->request.user = arena_keep(c->arena, user);
    l->request.password = arena_keep(c->arena, password);
    l->request.peer = arena_keep(c->arena, conn_peer_ip(c->session->conn));
    l->request.protocol = AUTH_IMAP;
    l->request.home = loop_post(c->session->loop);
    l->request.done = imap_login_answered;
    c->more = imap_login_decided;
    auth_check(c->session->options->auth, &l->request);
    return STEP_WAIT;
}

/* --- AUTHENTICATE --- */

static enum step imap_login_response(struct imap_cmd *c, struct span line);

static void imap_login_told(void *owner)
{
    struct imap_login *l = owner;
    imap_session_resume(l->session);
}

static void imap_login_challenge(struct imap_cmd *c, struct span challenge)
{
    struct buf text;
    buf_init(&text, 16u << 10);
    (void)b64_encode(challenge, &text);
    imap_outf(c->session, "+ %.*s\r\n", SPAN_ARG(buf_span(&text)));
    buf_fini(&text);
    imap_input_line(c, imap_login_response);
}

/* How the exchange goes on. */
static enum step imap_login_go(struct imap_cmd *c)
{
    const struct imap_login *l = c->state;
    enum err e = sasl_answer(l->sasl)->result;
    switch (sasl_goes(l->sasl)) {
    case SASL_CHALLENGE:
        imap_login_challenge(c, sasl_challenge(l->sasl));
        return STEP_WAIT;
    case SASL_WAIT:
        c->more = imap_login_go;
        return STEP_WAIT;
    case SASL_DONE:
        return imap_login_decided(c);
    case SASL_FAILED:
        break;
    }
    if (e == ERR_NOTFOUND)
        return imap_reply_no(c, "CANNOT", "This mechanism is not offered");
    return e == ERR_LIMIT ? imap_login_private(c) : imap_login_no(c);
}

static enum step imap_login_response(struct imap_cmd *c, struct span line)
{
    const struct imap_login *l = c->state;
    struct span response;
    if (span_eq(line, SPAN("*")))
        return imap_reply_bad(c, "Authentication cancelled");
    if (!b64_decode(c->arena, line, &response))
        return imap_reply_bad(c, "Not base64");
    sasl_step(l->sasl, response);
    return imap_login_go(c);
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
 * RFC 9051 §6.2.2 */
enum step imap_login_authenticate(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct scan *in = &c->args;
    struct span mechanism = imap_parse_atom(in);
    bool initial = scan_try(in, ' ');
    struct span text = initial ? scan_rest(in) : SPAN(""), response;
    if (!scan_ok(in) || (!initial && !scan_done(in)) || (initial && text.n == 0))
        return imap_reply_bad(c, in->why);
    if (!b64_decode(c->arena, span_eq(text, SPAN("=")) ? SPAN("") : text, &response))
        return imap_reply_bad(c, "Not base64");
    struct sasl_door door = imap_login_door(s);
    struct imap_login *l = imap_login_new(c);
    l->sasl = sasl_new(&door, conn_peer_ip(s->conn), loop_post(s->loop), imap_login_told, l);
    sasl_begin(l->sasl, mechanism, initial ? &response : NULL);
    return imap_login_go(c);
}
