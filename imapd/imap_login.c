#include "common/b64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "auth/auth.h"
#include "imapd/imap_input.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_misc.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

#include <inttypes.h>

/* The question to auth; outlives the connection if that ends first. */
struct imap_login {
    struct auth_request request;
    struct imap_session *session;
};

static void imap_login_cleanup(struct imap_cmd *c)
{
    mem_free(c->state);
}

static void imap_login_answered(struct auth_request *r)
{
    imap_session_resume(list_entry(r, struct imap_login, request)->session);
}

static enum step imap_login_no(struct imap_cmd *c, const char *code, const char *text)
{
    struct imap_session *s = c->session;
    const struct imap_login *l = c->state;
    log_event(LOG_WARN, s->id.text, "imap.login_failed", "user=\"%s\" peer=%s why=%s",
              LOG_SPAN(l->request.user), LOG_SPAN(conn_peer_ip(s->conn)), code);
    imap_reply_no(c, code, text);
    imap_session_bad(s); /* guesses are counted like nonsense */
    return STEP_DONE;
}

/* On the loop of the account now. */
static enum step imap_login_arrived(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
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
    imapd_left(s->door, conn_peer(s->conn)); /* no stranger any more */
    imap_session_enter(s, IMAP_AUTH);
    s->active_ms = s->looked_ms = clock_ms(); /* the deadline of authentication has been met */
    imap_session_deadline(s);
    log_event(LOG_INFO, s->id.text, "imap.login",
              "user=\"%s\" account=%" PRIu64 " peer=%s tls=\"%s\"", LOG_SPAN(s->address),
              s->account, LOG_SPAN(conn_peer_ip(s->conn)), LOG_SPAN(conn_tls_text(s->conn)));
    return imap_reply_ok(c, imap_capability_text(s), "Logged in");
}

static enum step imap_login_decided(struct imap_cmd *c)
{
    const struct imap_login *l = c->state;
    enum err e = l->request.result;
    if (e == ERR_OK)
        return imap_session_login(c, l->request.account, l->request.address, imap_login_arrived);
    if (e == ERR_DENIED)
        return imap_login_no(c, "AUTHENTICATIONFAILED", "Wrong user name or password");
    return imap_login_no(c, "UNAVAILABLE", "Cannot check passwords now, try again later");
}

/* user and password are kept until the answer. */
static enum step imap_login_ask(struct imap_cmd *c, struct span user, struct span password)
{
    struct imap_login *l = mem_new(struct imap_login);
    l->session = c->session;
    l->request.user = arena_keep(c->arena, user);
    l->request.password = arena_keep(c->arena, password);
    l->request.peer = arena_keep(c->arena, conn_peer_ip(c->session->conn));
    l->request.home = loop_post(c->session->loop);
    l->request.done = imap_login_answered;
    c->state = l;
    c->cleanup = imap_login_cleanup;
    c->more = imap_login_decided;
    auth_check(c->session->options->auth, &l->request);
    return STEP_WAIT;
}

static enum step imap_login_private(struct imap_cmd *c)
{
    return imap_reply_no(c, "PRIVACYREQUIRED",
                         "Passwords are taken only over TLS: use STARTTLS or the imaps port");
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
    return imap_login_ask(c, user, password);
}

static enum step imap_login_plain(struct imap_cmd *c, struct span text)
{
    struct span message, user, password;
    if (!b64_decode(c->arena, text, &message))
        return imap_reply_bad(c, "Not base64");
    if (!auth_plain(message, &user, &password))
        return imap_reply_no(c, "AUTHENTICATIONFAILED", "Not a PLAIN response of one user");
    return imap_login_ask(c, user, password);
}

static enum step imap_login_response(struct imap_cmd *c, struct span line)
{
    if (span_eq(line, SPAN("*")))
        return imap_reply_bad(c, "Authentication cancelled");
    return imap_login_plain(c, line);
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
 * RFC 9051 §6.2.2 */
enum step imap_login_authenticate(struct imap_cmd *c)
{
    struct scan *in = &c->args;
    struct span mechanism = imap_parse_atom(in);
    bool initial = scan_try(in, ' ');
    struct span response = initial ? scan_rest(in) : SPAN("");
    if (!scan_ok(in) || (!initial && !scan_done(in)) || (initial && response.n == 0))
        return imap_reply_bad(c, in->why);
    if (!span_eq_ci(mechanism, SPAN("PLAIN")))
        return imap_reply_no(c, "CANNOT", "This mechanism is not offered");
    if (!imap_misc_may_login(c->session))
        return imap_login_private(c);
    if (!initial) {
        imap_out(c->session, SPAN("+ \r\n"));
        imap_input_line(c, imap_login_response);
        return STEP_WAIT;
    }
    return imap_login_plain(c, span_eq(response, SPAN("=")) ? SPAN("") : response);
}
