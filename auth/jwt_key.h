#pragma once /* auth/jwt_key.h: one key, and the algorithms that it is for */
#include "common/arena.h"
#include "common/fault.h"

#include <jansson.h>

struct jwt_key;
/* ERR_INVALID: a kind that we do not know, or too short: RSA of less than 2048 bits, oct of less than 32 bytes. */
enum err jwt_key_jwk(const json_t *jwk, struct jwt_key **out, struct fault *f);
enum err jwt_key_pem(struct span text, struct jwt_key **out, struct fault *f);
void jwt_key_free(struct jwt_key **k);

/* Whether a token of that header may be of this key: never another kind of key than the algorithm's. kid: NULL for none. */
bool jwt_key_is(const struct jwt_key *k, const char *alg, const char *kid);
/* alg as jwt_key_is said. */
bool jwt_key_verify(const struct jwt_key *k, const char *alg, struct span text,
                    struct span signature);
