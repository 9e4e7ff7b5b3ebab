#include "auth/sasl.h"

#include "common/mem.h"
#include "auth/auth_state.h"
#include "auth/plain.h"
#include "auth/sasl_state.h"

#include <openssl/crypto.h>

/* --- what is offered --- */

/* Without TLS a password must not be sent, and one that SCRAM hides can be guessed from what is heard. */
static bool passwords(const struct sasl_door *d, const struct sasl_mechanism *m)
{
    (void)m;
    return d->may_password;
}

static bool scram(const struct sasl_door *d, const struct sasl_mechanism *m)
{
    return d->may_password && auth_scram(d->auth) && (!m->plus || sasl_scram_binds(d));
}

static bool certificate(const struct sasl_door *d, const struct sasl_mechanism *m)
{
    (void)m;
    return d->tls && d->certificate(d->tls, NULL);
}

static bool tokens(const struct sasl_door *d, const struct sasl_mechanism *m)
{
    (void)m;
    pthread_rwlock_rdlock(&d->auth->files);
    bool there = d->auth->jwt_keys != NULL;
    pthread_rwlock_unlock(&d->auth->files);
    return d->may_password && there;
}

static enum sasl_is step_plain(struct sasl *s, struct span response);
static enum sasl_is step_login(struct sasl *s, struct span response);

/* clang-format off */
static const struct sasl_mechanism mechanisms[] = { /* the strongest first: clients take the first they know */
    {"EXTERNAL",           0,            false, false, certificate, sasl_external_step},
    {"SCRAM-SHA-512-PLUS", SCRAM_SHA512, true,  false, scram,       sasl_scram_step},
    {"SCRAM-SHA-256-PLUS", SCRAM_SHA256, true,  false, scram,       sasl_scram_step},
    {"SCRAM-SHA-1-PLUS",   SCRAM_SHA1,   true,  false, scram,       sasl_scram_step},
    {"SCRAM-SHA-512",      SCRAM_SHA512, false, false, scram,       sasl_scram_step},
    {"SCRAM-SHA-256",      SCRAM_SHA256, false, false, scram,       sasl_scram_step},
    {"SCRAM-SHA-1",        SCRAM_SHA1,   false, false, scram,       sasl_scram_step},
    {"OAUTHBEARER",        0,            false, false, tokens,      sasl_oauth_bearer},
    {"XOAUTH2",            0,            false, false, tokens,      sasl_oauth_google},
    {"PLAIN",              0,            false, false, passwords,   step_plain},
    {"LOGIN",              0,            false, true,  passwords,   step_login},
};
/* clang-format on */
#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

const char *sasl_offered(const struct sasl_door *d, size_t i)
{
    for (size_t k = 0; k < MECHANISMS; k++) {
        if (mechanisms[k].offered(d, &mechanisms[k]) && i-- == 0)
            return mechanisms[k].name;
    }
    return NULL;
}

/* --- an exchange --- */

static void answered(struct auth_request *r)
{
    struct sasl *s = list_entry(r, struct sasl, request);
    if (s->after)
        s->is = s->after(s);
    else
        s->is = r->result == ERR_OK ? SASL_DONE : SASL_FAILED;
    s->told(s->owner);
}

struct sasl *sasl_new(const struct sasl_door *d, struct span peer, struct post *home,
                      void (*told)(void *owner), void *owner)
{
    struct sasl *s = mem_new(struct sasl);
    s->door = *d;
    s->arena = arena_new();
    s->told = told;
    s->owner = owner;
    s->request.peer = arena_keep(s->arena, peer);
    s->request.protocol = d->protocol;
    s->request.home = home;
    s->request.done = answered;
    return s;
}

static void wipe(struct span secret)
{
    if (secret.n)
        OPENSSL_cleanse((char *)(uintptr_t)secret.p, secret.n); /* in our own arena */
}

void sasl_free(struct sasl **sp)
{
    struct sasl *s = *sp;
    if (!s)
        return;
    wipe(s->request.password);
    wipe(s->oauth.token);
    arena_free(&s->arena);
    OPENSSL_cleanse(s, sizeof *s);
    mem_free(s);
    *sp = NULL;
}

enum sasl_is sasl_fail(struct sasl *s, enum err result, enum auth_why why)
{
    s->request.result = result;
    s->request.why = why;
    return s->is = SASL_FAILED;
}

enum sasl_is sasl_say(struct sasl *s, struct span challenge)
{
    s->challenge = arena_keep(s->arena, challenge);
    return s->is = SASL_CHALLENGE;
}

enum sasl_is sasl_step(struct sasl *s, struct span response)
{
    s->is = s->mechanism->step(s, response);
    s->stage++;
    return s->is;
}

enum sasl_is sasl_begin(struct sasl *s, struct span mechanism, const struct span *initial)
{
    struct sasl_door private = s->door;
    private.may_password = true;
    for (size_t i = 0; i < MECHANISMS && !s->mechanism; i++)
        if (span_eq_ci(mechanism, span_cstr(mechanisms[i].name)))
            s->mechanism = &mechanisms[i];
    const struct sasl_mechanism *m = s->mechanism;
    if (!m || !m->offered(&private, m))
        return sasl_fail(s, ERR_NOTFOUND, AUTH_WHY_NOT_AT_ALL);
    if (!m->offered(&s->door, m))
        return sasl_fail(s, ERR_LIMIT, AUTH_WHY_NOT_AT_ALL);
    if (initial)
        return sasl_step(s, *initial);
    return sasl_say(s, m->server_first ? SPAN("Username:") : SPAN(""));
}

enum sasl_is sasl_goes(const struct sasl *s)
{
    return s->is;
}

struct span sasl_challenge(const struct sasl *s)
{
    return s->challenge;
}

const struct auth_request *sasl_answer(const struct sasl *s)
{
    return &s->request;
}

const char *sasl_mechanism(const struct sasl *s)
{
    return s->mechanism ? s->mechanism->name : "";
}

/* --- passwords as they are --- */

static enum sasl_is check(struct sasl *s)
{
    auth_check(s->door.auth, &s->request);
    return SASL_WAIT;
}

static enum sasl_is step_plain(struct sasl *s, struct span response)
{
    struct auth_request *r = &s->request;
    if (!plain_parse(response, &r->user, &r->password))
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    r->user = arena_keep(s->arena, r->user);
    r->password = arena_keep(s->arena, r->password);
    return check(s);
}

/* draft-murchison-sasl-login-00 */
static enum sasl_is step_login(struct sasl *s, struct span response)
{
    if (s->stage == 0) {
        s->request.user = arena_keep(s->arena, response);
        return sasl_say(s, SPAN("Password:"));
    }
    s->request.password = arena_keep(s->arena, response);
    return check(s);
}
