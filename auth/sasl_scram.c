#include "common/b64.h"
#include "common/log.h"
#include "common/must.h"
#include "common/rand.h"
#include "auth/auth_state.h"
#include "auth/sasl_state.h"

#include <openssl/crypto.h>

/* Room: the conversation of SCRAM, RFC 5802 §5 and §7. */

#define NONCE_BYTES 18
#define CLIENT_NONCE_BYTES 128 /* at most: a line of SMTP has room for it */

/* saslname, RFC 5802 §7: "=2C" is a comma, "=3D" an equals sign. False: another "=". */
static bool name_of(struct arena *a, struct span text, struct span *out)
{
    char *to = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\0')
            return false;
        if (c == '=') {
            struct span code = span_to(span_from(text, i), 3);
            if (!span_eq(code, SPAN("=2C")) && !span_eq(code, SPAN("=3D")))
                return false;
            c = code.p[1] == '2' ? ',' : '=';
            i += 2;
        }
        to[n++] = c;
    }
    *out = span_of(to, n);
    return true;
}

/* Takes "name=value" and the comma behind it off the front. */
static bool attribute(struct span *text, char name, struct span *value)
{
    if (text->n < 2 || text->p[0] != name || text->p[1] != '=')
        return false;
    size_t end = span_find(*text, ',');
    *value = span_from(span_to(*text, end), 2);
    *text = span_from(*text, end < text->n ? end + 1 : end);
    return true;
}

/* Printable ASCII: the comma has gone already. */
static bool is_nonce(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e)
            return false;
    return s.n > 0 && s.n <= CLIENT_NONCE_BYTES;
}

bool sasl_scram_binds(const struct sasl_door *d)
{
    unsigned char data[SASL_BINDING_BYTES];
    return d->tls && d->auth->options.channel_binding &&
           (d->binding(d->tls, SPAN("tls-exporter"), data) > 0 ||
            d->binding(d->tls, SPAN("tls-server-end-point"), data) > 0);
}

/* gs2-header = gs2-cbind-flag "," [ authzid ] ","    RFC 5802 §7. rest_out: what follows. */
static bool gs2(struct sasl *s, struct span first, struct span *authzid, struct span *rest_out)
{
    unsigned char binding[SASL_BINDING_BYTES];
    size_t flag_end = span_find(first, ',');
    if (flag_end == first.n)
        return false;
    struct span flag = span_to(first, flag_end), rest = span_from(first, flag_end + 1), value;
    *authzid = SPAN("");
    if (attribute(&rest, 'a', &value)) {
        if (!name_of(s->arena, value, authzid)) /* empty, as GNU SASL sends it: nobody else */
            return false;
    } else if (rest.n > 0 && rest.p[0] == ',') {
        rest = span_from(rest, 1);
    } else {
        return false;
    }
    s->scram.gs2 = arena_keep(s->arena, span_to(first, first.n - rest.n));
    *rest_out = rest;
    if (s->mechanism->plus) {
        if (flag.n < 3 || !span_eq(span_to(flag, 2), SPAN("p=")))
            return false;
        s->scram.binding_type = arena_keep(s->arena, span_from(flag, 2));
        return s->door.binding(s->door.tls, s->scram.binding_type, binding) > 0;
    }
    /* "y": the client could bind and thinks that we cannot. Where we can, somebody took it out of the list: RFC 5802 §6. */
    return span_eq(flag, SPAN("n")) || (span_eq(flag, SPAN("y")) && !sasl_scram_binds(&s->door));
}

/* The account of s->request.user, or one invented for it. */
static enum err find(struct sasl *s)
{
    struct auth *a = s->door.auth;
    struct auth_account *who = &s->scram.who;
    struct span user = s->request.user;
    struct fault f = FAULT_NONE;
    bool dear = span_find(user, '@') == user.n;
    if (dear && !auth_guard_may(a->guard, s->request.peer))
        return ERR_BUSY;
    enum err e = auth_account_find(a->store, false, s->arena, user, who, &f);
    s->scram.nobody = e == ERR_NOTFOUND || (e == ERR_OK && !who->credentials.scram_there);
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
        return e;
    }
    s->scram.scram = who->credentials.scram;
    if (s->scram.nobody)
        scram_nobody(a->secret, who->key.n ? who->key : user, auth_iterations(a), &s->scram.scram);
    return ERR_OK;
}

static struct span base64(struct arena *a, struct span bytes)
{
    struct buf text;
    buf_init(&text, 1024);
    must(b64_encode(bytes, &text));
    struct span out = arena_keep(a, buf_span(&text));
    buf_fini(&text);
    return out;
}

/* client-first-message = gs2-header client-first-message-bare    server-first-message = r, s, i */
static enum sasl_is client_first(struct sasl *s, struct span message)
{
    struct arena *a = s->arena;
    struct span authzid, bare, rest, user, nonce;
    char random[NONCE_BYTES];
    if (!gs2(s, message, &authzid, &bare))
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    rest = bare;
    if (!attribute(&rest, 'n', &user) || !name_of(a, user, &s->request.user) ||
        s->request.user.n == 0 || !attribute(&rest, 'r', &nonce) || !is_nonce(nonce))
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    enum err e = find(s);
    if (e != ERR_OK)
        return sasl_fail(s, e, AUTH_WHY_LATER);
    s->scram.foreign = authzid.n > 0 && !span_eq(authzid, s->request.user) &&
                       !span_eq_ci(authzid, s->scram.who.key);
    rand_bytes(random, sizeof random);
    const struct credential_scram *salted = &s->scram.scram;
    struct span own = base64(a, span_of(random, sizeof random)),
                salt = base64(a, span_of(salted->salt, CREDENTIAL_SALT_BYTES));
    s->scram.first_bare = arena_keep(a, bare);
    s->scram.nonce = arena_printf(a, "%.*s%.*s", SPAN_ARG(nonce), SPAN_ARG(own));
    s->scram.server_first = arena_printf(a, "r=%.*s,s=%.*s,i=%u", SPAN_ARG(s->scram.nonce),
                                         SPAN_ARG(salt), salted->iterations[s->mechanism->hash]);
    return sasl_say(s, s->scram.server_first);
}

/* c is the base64 of the gs2-header and, with -PLUS, the data of the channel as we see it. */
static bool is_bound(struct sasl *s, struct span text)
{
    unsigned char data[SASL_BINDING_BYTES];
    struct span type = s->scram.binding_type, gs2_header = s->scram.gs2, got;
    size_t n = type.n ? s->door.binding(s->door.tls, type, data) : 0;
    if (!b64_decode(s->arena, text, &got) || got.n != gs2_header.n + n)
        return false;
    return span_eq(span_to(got, gs2_header.n), gs2_header) &&
           (n == 0 || CRYPTO_memcmp(got.p + gs2_header.n, data, n) == 0);
}

/* Tries all that the account has, so that the time does not tell which one it is. True: s->scram.keys, and *app_out where it
 * is an app password's. */
static bool proves(struct sasl *s, struct span message, struct span proof,
                   const struct credential_app **app_out)
{
    const struct credentials *c = &s->scram.who.credentials;
    enum scram_hash hash = s->mechanism->hash;
    bool own = !s->scram.nobody && s->scram.scram.own && s->scram.who.verifier.n > 0 &&
               !s->door.auth->options.only_app_passwords;
    bool found = scram_proves(&s->scram.scram.keys, hash, message, proof) && own;
    *app_out = NULL;
    if (found)
        s->scram.keys = s->scram.scram.keys;
    for (size_t i = 0; i < c->app_count; i++) {
        if (!scram_proves(&c->apps[i].keys, hash, message, proof) || found)
            continue;
        found = true;
        *app_out = &c->apps[i];
        s->scram.keys = c->apps[i].keys;
    }
    return found;
}

/* The proof was judged: if it is right, ours is next. */
static enum sasl_is server_final(struct sasl *s)
{
    unsigned char signature[SCRAM_BYTES];
    if (s->request.result != ERR_OK)
        return SASL_FAILED;
    struct span text = base64(
        s->arena, scram_signature(&s->scram.keys, s->mechanism->hash, s->scram.message, signature));
    return sasl_say(s, arena_printf(s->arena, "v=%.*s", SPAN_ARG(text)));
}

/* client-final-message = channel-binding "," nonce ["," extensions] "," proof */
static enum sasl_is client_final(struct sasl *s, struct span message)
{
    struct arena *a = s->arena;
    struct span rest = message, binding, nonce, proof = SPAN("");
    const struct credential_app *app = NULL;
    bool good = attribute(&rest, 'c', &binding) && attribute(&rest, 'r', &nonce);
    while (good && rest.n > 2 && rest.p[0] != 'p' && rest.p[0] != 'm')
        rest = span_from(rest, span_find(rest, ',') < rest.n ? span_find(rest, ',') + 1 : rest.n);
    size_t without = message.n - rest.n - (rest.n ? 1 : 0); /* up to the comma before "p=" */
    good = good && attribute(&rest, 'p', &proof) && rest.n == 0 && b64_decode(a, proof, &proof);
    if (!good)
        return sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
    s->scram.message =
        arena_printf(a, "%.*s,%.*s,%.*s", SPAN_ARG(s->scram.first_bare),
                     SPAN_ARG(s->scram.server_first), SPAN_ARG(span_to(message, without)));
    s->after = server_final;
    struct auth_work *w = auth_begin(s->door.auth, &s->request);
    w->who = s->scram.who;
    bool bound = is_bound(s, binding) && span_eq(nonce, s->scram.nonce);
    bool proven = proves(s, s->scram.message, proof, &app) && bound;
    if (!auth_guard_may(w->auth->guard, s->request.peer))
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
    else if (!proven)
        auth_refuse(w, AUTH_WHY_WRONG, true);
    else if (s->scram.foreign)
        auth_refuse(w, AUTH_WHY_FORBIDDEN, false);
    else
        auth_accept(w, app);
    return SASL_WAIT;
}

enum sasl_is sasl_scram_step(struct sasl *s, struct span response)
{
    if (s->stage == 0)
        return client_first(s, response);
    if (s->stage == 1)
        return client_final(s, response);
    return response.n == 0 ? SASL_DONE : sasl_fail(s, ERR_INVALID, AUTH_WHY_WRONG);
}
