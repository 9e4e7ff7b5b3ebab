#include "common/log.h"
#include "auth/auth_state.h"
#include "auth/certificate_map.h"
#include "auth/sasl_state.h"

/* Room: EXTERNAL, RFC 4422 appendix A: who the client's certificate says it is. */

/* The account of the first name that leads to one. With a map only that leads. */
static enum err find(struct sasl *s, struct span names, struct auth_account *who, struct fault *f)
{
    struct auth *a = s->door.auth;
    enum err e = ERR_NOTFOUND;
    pthread_rwlock_rdlock(&a->files);
    while (names.n > 0 && e == ERR_NOTFOUND) {
        size_t end = span_find(names, '\n');
        struct span name = span_to(names, end);
        names = span_from(names, end < names.n ? end + 1 : end);
        if (a->certificate_map)
            name = certificate_map_find(a->certificate_map, name);
        if (span_find(name, '@') < name.n)
            e = auth_account_find(a->store, false, s->arena, name, who, f);
    }
    pthread_rwlock_unlock(&a->files);
    return e;
}

/* Empty, or the account in full or as the certificate has it. */
static bool is_self(struct sasl *s, struct span authzid, const struct auth_account *who)
{
    struct auth_account named;
    struct fault f = FAULT_NONE;
    return authzid.n == 0 || (auth_account_find(s->door.auth->store, false, s->arena, authzid,
                                                &named, &f) == ERR_OK &&
                              named.id == who->id);
}

enum sasl_is sasl_external_step(struct sasl *s, struct span response)
{
    struct auth_account who = {.key = SPAN("")};
    struct fault f = FAULT_NONE;
    struct buf names;
    buf_init(&names, 64u << 10);
    (void)s->door.certificate(s->door.tls, &names); /* it is there: EXTERNAL was offered */
    s->request.user = arena_keep(s->arena, span_to(response, AUTH_ACCOUNT_ADDRESS_BYTES));
    if (response.n == 0) /* for the log */
        s->request.user =
            arena_keep(s->arena, span_to(buf_span(&names), span_find(buf_span(&names), '\n')));
    enum err e = find(s, buf_span(&names), &who, &f);
    buf_fini(&names);
    struct auth_work *w = auth_begin(s->door.auth, &s->request);
    w->who = who;
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
        auth_tell(w, e, AUTH_WHY_LATER);
    } else if (e == ERR_NOTFOUND) {
        auth_refuse(w, AUTH_WHY_CONTACT, false);
    } else if (!is_self(s, response, &who)) {
        auth_refuse(w, AUTH_WHY_FORBIDDEN, false);
    } else {
        auth_accept(w, NULL);
    }
    return SASL_WAIT;
}
