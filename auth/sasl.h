#pragma once /* auth/sasl.h: SASL, RFC 4422: one engine for every protocol that logs people in */
#include "common/buf.h"
#include "auth/auth.h"

struct ssl_st;
#define SASL_BINDING_BYTES 64

/* What a protocol knows of a connection. A plain value. */
struct sasl_door {
    struct auth *auth;
    enum auth_protocol protocol;
    bool may_password;        /* passwords may be sent as they are: TLS, or the loopback of a lab */
    const struct ssl_st *tls; /* NULL: in the clear; then the functions are not called */
    /* Channel binding data of that type, "tls-exporter" and so on; their length, 0: there are none. */
    size_t (*binding)(const struct ssl_st *tls, struct span type,
                      unsigned char out[SASL_BINDING_BYTES]);
    /* The names that a verified client certificate gives, a line each: e-mail addresses, then sha256:HEX. False: there is none. names may be
     * NULL. */
    bool (*certificate)(const struct ssl_st *tls, struct buf *names);
};

/* The ith mechanism that is offered there, the strongest first; NULL: no more. */
const char *sasl_offered(const struct sasl_door *d, size_t i);

enum sasl_is {
    SASL_CHALLENGE, /* send sasl_challenge, then sasl_step with the response */
    SASL_WAIT,      /* told(owner) comes in a later turn; sasl_goes says how it goes on */
    SASL_DONE,      /* logged in: sasl_answer */
    SASL_FAILED,    /* not: sasl_answer */
};

/* One exchange. Between SASL_WAIT and told it may not be freed. */
struct sasl;
/* d and peer are copied. told is called on home. */
struct sasl *sasl_new(const struct sasl_door *d, struct span peer, struct post *home,
                      void (*told)(void *owner), void *owner);
void sasl_free(struct sasl **s); /* wipes what was secret; NULL is fine */

/* initial: NULL where the client sent no initial response, which is not an empty one. Messages are without base64, copied. */
enum sasl_is sasl_begin(struct sasl *s, struct span mechanism, const struct span *initial);
enum sasl_is sasl_step(struct sasl *s, struct span response);
enum sasl_is sasl_goes(const struct sasl *s);
struct span sasl_challenge(const struct sasl *s);
/* After SASL_DONE: account, address, credential. After SASL_FAILED result and why, and besides those of auth_check: ERR_NOTFOUND: no such
 * mechanism is offered; ERR_LIMIT: it is, but not without TLS; ERR_INVALID: the message was malformed. */
const struct auth_request *sasl_answer(const struct sasl *s);
const char *sasl_mechanism(const struct sasl *s); /* for the log; "" before it is known */
