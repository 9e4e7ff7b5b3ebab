#include "common/clock.h"
#include "common/log.h"
#include "auth/auth_state.h"
#include "auth/jwt.h"
#include "auth/sasl_state.h"

#include <jansson.h>

/* Room: bearer tokens: OAUTHBEARER, RFC 7628, and XOAUTH2, which Google has described. */

/* Whether a name that the client gives is the account of the token. */
static bool is_same(struct sasl *s, const struct auth_work *w)
{
    struct auth_account named;
    struct fault f = FAULT_NONE;
    return s->oauth.user.n == 0 || (auth_account_find(w->auth->store, false, w->arena,
                                                      s->oauth.user, &named, &f) == ERR_OK &&
                                    named.id == w->who.id);
}

/* On a thread of the pool: the signature, then whose it is. */
static bool judge(struct hash_job *job)
{
    struct auth_work *w = list_entry(job, struct auth_work, hash);
    struct sasl *s = list_entry(w->request, struct sasl, request);
    struct auth *a = w->auth;
    struct fault f = FAULT_NONE;
    struct span name = SPAN("");
    const struct jwt_rules rules = {.issuer = a->options.oauth_issuer,
                                    .audience = a->options.oauth_audience,
                                    .claim = a->options.oauth_claim,
                                    .now = clock_wall()};
    pthread_rwlock_rdlock(&a->files);
    enum jwt_is is =
        a->jwt_keys ? jwt_check(a->jwt_keys, s->oauth.token, &rules, w->arena, &name, &s->oauth.why)
                    : JWT_BAD;
    pthread_rwlock_unlock(&a->files);
    if (is != JWT_GOOD) {
        w->why = is == JWT_EXPIRED ? AUTH_WHY_EXPIRED : AUTH_WHY_WRONG;
        w->guess = is != JWT_EXPIRED;
        return false;
    }
    w->guess = false;
    if (auth_account_find(a->store, false, w->arena, name, &w->who, &f) != ERR_OK) {
        w->why = AUTH_WHY_CONTACT;
        s->oauth.why = "no account of that name";
        return false;
    }
    w->why = AUTH_WHY_FORBIDDEN;
    s->oauth.why = "the token is another user's";
    return is_same(s, w);
}

/* The error of RFC 7628 §3.2.2, or Google's; the client answers it, and then hears of the failure. */
static enum sasl_is tell(struct sasl *s)
{
    if (s->request.result == ERR_OK)
        return SASL_DONE;
    const char *scope = s->door.auth->options.oauth_scope;
    bool google = s->mechanism->step == sasl_oauth_google;
    log_event(LOG_WARN, NULL, "auth.token", "user=\"%s\" peer=%s why=\"%s\"",
              LOG_SPAN(s->oauth.user), LOG_SPAN(s->request.peer),
              s->oauth.why ? s->oauth.why : fault_name(s->request.result));
    json_t *error = google ? json_pack("{s:s,s:s}", "status", "401", "schemes", "bearer")
                           : json_pack("{s:s}", "status", "invalid_token");
    if (scope && *scope)
        json_object_set_new(error, "scope", json_string(scope));
    char text[340]; /* a line of SMTP has room for it in base64 */
    size_t n = json_dumpb(error, text, sizeof text, JSON_COMPACT);
    json_decref(error);
    return sasl_say(s, span_of(text, n <= sizeof text ? n : 0));
}

static enum sasl_is ask(struct sasl *s, struct span token)
{
    struct auth_work *w = auth_begin(s->door.auth, &s->request);
    s->oauth.token = arena_keep(s->arena, token);
    s->request.user = s->oauth.user; /* for the log */
    s->after = tell;
    w->why = AUTH_WHY_WRONG;
    w->guess = true;
    if (auth_guard_may(w->auth->guard, s->request.peer))
        auth_judge(w, judge);
    else
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
    return SASL_WAIT;
}

/* kvpair = key "=" value kvsep    RFC 7628 §3.1. The value of "auth", without its "Bearer ". */
static bool bearer(struct span pairs, struct span *token)
{
    *token = SPAN("");
    while (pairs.n > 0 && pairs.p[0] != 1) {
        size_t end = span_find(pairs, 1);
        struct span pair = span_to(pairs, end);
        if (end == pairs.n)
            return false;
        if (span_starts_ci(pair, SPAN("auth=Bearer ")))
            *token = span_trim(span_from(pair, 12));
        pairs = span_from(pairs, end + 1);
    }
    return pairs.n > 0;
}

/* client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep    RFC 7628 §3.1 */
enum sasl_is sasl_oauth_bearer(struct sasl *s, struct span response)
{
    struct span token, user = SPAN("");
    size_t flag = span_find(response, ',');
    if (s->stage > 0)
        return SASL_FAILED; /* it has seen the error */
    struct span rest = span_from(response, flag < response.n ? flag + 1 : flag);
    size_t end = span_find(rest, ',');
    if (flag != 1 || (response.p[0] != 'n' && response.p[0] != 'y') || end + 1 >= rest.n ||
        rest.p[end + 1] != 1)
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    if (end > 2 && span_eq(span_to(rest, 2), SPAN("a=")))
        user = span_from(span_to(rest, end), 2);
    else if (end > 0)
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    if (!bearer(span_from(rest, end + 2), &token))
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    s->oauth.user = arena_keep(s->arena, user);
    return ask(s, token);
}

/* "user=" USER ^A "auth=Bearer " TOKEN ^A ^A */
enum sasl_is sasl_oauth_google(struct sasl *s, struct span response)
{
    struct span token;
    size_t end = span_find(response, 1);
    if (s->stage > 0)
        return SASL_FAILED;
    if (!span_starts_ci(response, SPAN("user=")) || end == response.n ||
        !bearer(span_from(response, end + 1), &token))
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    s->oauth.user = arena_keep(s->arena, span_from(span_to(response, end), 5));
    return ask(s, token);
}
