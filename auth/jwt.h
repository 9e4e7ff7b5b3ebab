#pragma once /* auth/jwt.h: signed tokens that name somebody, RFC 7519 */
#include "common/arena.h"
#include "common/fault.h"

struct jwt_keys;

/* A JWK set or one JWK (RFC 7517): RSA, EC P-256 and P-384, Ed25519, and oct for HS256; or PEM public keys, one behind the other.
 * ERR_INVALID: the text says why. */
enum err jwt_keys_open(const char *file, struct jwt_keys **out, struct fault *f);
enum err jwt_keys_read(struct span text, struct jwt_keys **out, struct fault *f);
void jwt_keys_close(struct jwt_keys **k); /* NULL is fine */

struct jwt_rules {
    const char *issuer, *audience; /* NULL or empty: any */
    const char *claim;             /* whose text names the account */
    int64_t now;                   /* wall clock seconds */
};
/* base64url without padding, RFC 7515 §2. False: it is not. */
bool jwt_base64(struct arena *a, struct span text, struct span *out);

enum jwt_is { JWT_GOOD, JWT_BAD, JWT_EXPIRED };

/* RS256, RS384, RS512, PS256, ES256, ES384, EdDSA and HS256, each with a key of its own kind alone (RFC 7518 §3.1, RFC 8725 §3.1). A
 * signature takes up to a millisecond: not on a loop. name_out: in a; why: static text. */
enum jwt_is jwt_check(const struct jwt_keys *k, struct span token, const struct jwt_rules *rules,
                      struct arena *a, struct span *name_out, const char **why);
