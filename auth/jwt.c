#include "auth/jwt.h"

#include "common/b64.h"
#include "common/mem.h"
#include "auth/jwt_key.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <unistd.h>

#define FILE_BYTES (1u << 20)
#define KEY_COUNT 64
#define LEEWAY_S 60 /* between the issuer's clock and ours */

struct jwt_keys {
    struct jwt_key *keys[KEY_COUNT];
    size_t n;
};

/* --- keys --- */

static enum err add_jwk(struct jwt_keys *k, json_t *jwk, struct fault *f)
{
    if (k->n == KEY_COUNT)
        return fault_set(f, ERR_LIMIT, "more than %d keys", KEY_COUNT);
    const char *use = json_string_value(json_object_get(jwk, "use"));
    if (use && strcmp(use, "sig") != 0)
        return ERR_OK; /* for encryption, RFC 7517 §4.2 */
    enum err e = jwt_key_jwk(jwk, &k->keys[k->n], f);
    k->n += e == ERR_OK;
    return e;
}

static enum err read_jwks(struct jwt_keys *k, struct span text, struct fault *f)
{
    json_error_t why;
    enum err e = ERR_OK;
    json_t *set = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    json_t *list = json_object_get(set, "keys");
    if (!set)
        e = fault_set(f, ERR_INVALID, "line %d: %s", why.line, why.text);
    else if (!list)
        e = add_jwk(k, set, f);
    for (size_t i = 0; e == ERR_OK && i < json_array_size(list); i++)
        e = add_jwk(k, json_array_get(list, i), f);
    json_decref(set);
    return e;
}

static enum err read_pems(struct jwt_keys *k, struct span text, struct fault *f)
{
    struct span begin = SPAN("-----BEGIN"), end = SPAN("-----END");
    enum err e = ERR_OK;
    size_t at;
    while (e == ERR_OK && (at = span_find_span(text, begin)) < text.n) {
        text = span_from(text, at);
        size_t stop = span_find_span(text, end);
        size_t line = stop + span_find(span_from(text, stop), '\n');
        if (k->n == KEY_COUNT)
            return fault_set(f, ERR_LIMIT, "more than %d keys", KEY_COUNT);
        e = jwt_key_pem(span_to(text, line + 1), &k->keys[k->n], f);
        k->n += e == ERR_OK;
        text = span_from(text, line < text.n ? line + 1 : text.n);
    }
    return e;
}

enum err jwt_keys_read(struct span text, struct jwt_keys **out, struct fault *f)
{
    struct jwt_keys *k = mem_new(struct jwt_keys);
    struct span trimmed = span_trim(text);
    enum err e = trimmed.n && trimmed.p[0] == '{' ? read_jwks(k, text, f) : read_pems(k, text, f);
    if (e == ERR_OK && k->n == 0)
        e = fault_set(f, ERR_INVALID, "neither a JWK set nor PEM public keys");
    if (e != ERR_OK)
        jwt_keys_close(&k);
    *out = k;
    return e;
}

enum err jwt_keys_open(const char *file, struct jwt_keys **out, struct fault *f)
{
    char *text = mem_alloc(FILE_BYTES);
    size_t n = 0;
    ssize_t got = 1;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && got > 0 && n < FILE_BYTES) {
        got = read(fd, text + n, FILE_BYTES - n);
        n += got > 0 ? (size_t)got : 0;
    }
    int why = errno;
    if (fd >= 0)
        close(fd);
    enum err e = fd < 0 || got < 0 ? fault_set(f, ERR_INVALID, "%s", strerror(why))
                                   : jwt_keys_read(span_of(text, n), out, f);
    OPENSSL_cleanse(text, n);
    mem_free(text);
    return e == ERR_OK ? e : fault_in(f, "%s", file);
}

void jwt_keys_close(struct jwt_keys **keys)
{
    if (!*keys)
        return;
    for (size_t i = 0; i < (*keys)->n; i++)
        jwt_key_free(&(*keys)->keys[i]);
    mem_free(*keys);
    *keys = NULL;
}

/* --- tokens --- */

/* RFC 7515 §2: base64url without padding. */
bool jwt_base64(struct arena *a, struct span text, struct span *out)
{
    char *plain = arena_alloc(a, text.n + 3);
    size_t n = text.n;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];
        if (c == '+' || c == '/' || c == '=')
            return false;
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (n % 4)
        plain[n++] = '=';
    return b64_decode(a, span_of(plain, n), out);
}

static json_t *object_of(struct arena *a, struct span part)
{
    struct span text;
    json_error_t why;
    json_t *o = jwt_base64(a, part, &text)
                    ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why)
                    : NULL;
    if (o && json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

/* Any key of the right kind, by its name where both have one. */
static bool is_signed(const struct jwt_keys *k, const json_t *head, struct span text,
                      struct span signature)
{
    const char *alg = json_string_value(json_object_get(head, "alg"));
    const char *kid = json_string_value(json_object_get(head, "kid"));
    if (!alg || json_object_get(head, "crit")) /* RFC 7515 §4.1.11: we know no extension */
        return false;
    for (size_t i = 0; i < k->n; i++) {
        if (jwt_key_is(k->keys[i], alg, kid) && jwt_key_verify(k->keys[i], alg, text, signature))
            return true;
    }
    return false;
}

static bool is_text(const json_t *v, const char *want)
{
    const char *have = json_string_value(v);
    return have && strcmp(have, want) == 0;
}

static bool has_audience(const json_t *aud, const char *want)
{
    bool has = is_text(aud, want);
    for (size_t i = 0; !has && i < json_array_size(aud); i++)
        has = is_text(json_array_get(aud, i), want);
    return has;
}

/* RFC 7519 §4.1 */
static enum jwt_is judge(const json_t *claims, const struct jwt_rules *r, const char **why)
{
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
    double now = (double)r->now;
    *why = NULL;
    if (!json_is_number(exp))
        *why = "no exp";
    else if (nbf && (!json_is_number(nbf) || json_number_value(nbf) > now + LEEWAY_S))
        *why = "nbf is to come";
    else if (r->issuer && *r->issuer && !is_text(json_object_get(claims, "iss"), r->issuer))
        *why = "another iss";
    else if (r->audience && *r->audience &&
             !has_audience(json_object_get(claims, "aud"), r->audience))
        *why = "another aud";
    else if (json_is_false(json_object_get(claims, "email_verified")) &&
             strcmp(r->claim, "email") == 0)
        *why = "email is not verified";
    if (*why)
        return JWT_BAD;
    if (json_number_value(exp) <= now - LEEWAY_S) {
        *why = "expired";
        return JWT_EXPIRED;
    }
    return JWT_GOOD;
}

enum jwt_is jwt_check(const struct jwt_keys *k, struct span token, const struct jwt_rules *rules,
                      struct arena *a, struct span *name_out, const char **why)
{
    size_t one = span_find(token, '.');
    struct span rest = span_from(token, one < token.n ? one + 1 : one);
    size_t two = span_find(rest, '.');
    struct span text = span_to(token, one + 1 + two), signature;
    enum jwt_is is = JWT_BAD;
    *why = "not a signed token";
    if (two == rest.n || !jwt_base64(a, span_from(rest, two + 1), &signature))
        return is;
    json_t *head = object_of(a, span_to(token, one)), *claims = object_of(a, span_to(rest, two));
    if (head && claims && !is_signed(k, head, text, signature)) {
        *why = "no key of ours signed it";
    } else if (head && claims) {
        const json_t *name = json_object_get(claims, rules->claim);
        is = judge(claims, rules, why);
        *name_out = arena_keep(a, span_of(json_string_value(name), json_string_length(name)));
        if (is == JWT_GOOD && name_out->n == 0) {
            is = JWT_BAD;
            *why = "it names nobody";
        }
    }
    json_decref(head);
    json_decref(claims);
    return is;
}
