#pragma once /* auth/sasl_state.h: what the rooms of the mechanisms share */
#include "common/arena.h"
#include "auth/auth_account.h"
#include "auth/sasl.h"
#include "auth/scram.h"

struct sasl_mechanism {
    const char *name;
    enum scram_hash hash;
    bool plus, server_first;
    bool (*offered)(const struct sasl_door *d, const struct sasl_mechanism *m);
    enum sasl_is (*step)(struct sasl *s, struct span response);
};

struct sasl {
    struct auth_request request;
    struct sasl_door door;
    struct arena *arena;
    const struct sasl_mechanism *mechanism; /* NULL: none */
    unsigned stage;                         /* responses so far */
    struct span challenge;
    enum sasl_is is;
    enum sasl_is (*after)(
        struct sasl *s); /* when request is answered; NULL: nothing is left to say */
    void (*told)(void *owner);
    void *owner;
    /* SCRAM */
    struct {
        struct auth_account who;
        bool nobody;  /* no such user, or without keys: invented salt */
        bool foreign; /* wants to act for another */
        struct credential_scram scram;
        struct credential_keys keys; /* that fitted */
        struct span gs2, binding_type, first_bare, server_first, nonce, message;
    } scram;
    /* OAUTHBEARER and XOAUTH2 */
    struct {
        struct span user, token;
        const char *why; /* static text */
    } oauth;
};

/* Failed at once. */
enum sasl_is sasl_fail(struct sasl *s, enum err result, enum auth_why why);
enum sasl_is sasl_say(struct sasl *s, struct span challenge); /* copied */

/* Whether -PLUS is offered there. */
bool sasl_scram_binds(const struct sasl_door *d);

/* Each has a room of its own. */
enum sasl_is sasl_scram_step(struct sasl *s, struct span response);
enum sasl_is sasl_oauth_bearer(struct sasl *s, struct span response);
enum sasl_is sasl_oauth_google(struct sasl *s, struct span response);
enum sasl_is sasl_external_step(struct sasl *s, struct span response);
