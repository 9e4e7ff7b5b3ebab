#include "auth/jwt_key.h"

#include "common/mem.h"
#include "auth/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum kind { KIND_RSA, KIND_P256, KIND_P384, KIND_ED25519, KIND_OCT };

struct jwt_key {
    enum kind kind;
    EVP_PKEY *pkey; /* NULL: oct */
    struct arena *arena;
    struct span secret;    /* of oct */
    const char *alg, *kid; /* NULL: not said */
};

static const struct algorithm {
    const char *name;
    enum kind kind;
    const EVP_MD *(*md)(void); /* NULL: the signature has its own */
    bool pss;
    size_t half; /* of an ECDSA signature: bytes of one number */
} algorithms[] = {
    /* RFC 7518 §3.1, RFC 8037 §3.1 */
    {"RS256", KIND_RSA, EVP_sha256, false, 0},   {"RS384", KIND_RSA, EVP_sha384, false, 0},
    {"RS512", KIND_RSA, EVP_sha512, false, 0},   {"PS256", KIND_RSA, EVP_sha256, true, 0},
    {"ES256", KIND_P256, EVP_sha256, false, 32}, {"ES384", KIND_P384, EVP_sha384, false, 48},
    {"EdDSA", KIND_ED25519, NULL, false, 0},     {"HS256", KIND_OCT, EVP_sha256, false, 0},
};

static const struct algorithm *algorithm_of(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static struct jwt_key *key_new(void)
{
    struct jwt_key *k = mem_new(struct jwt_key);
    k->arena = arena_new();
    return k;
}

void jwt_key_free(struct jwt_key **key)
{
    struct jwt_key *k = *key;
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    if (k->secret.n)
        OPENSSL_cleanse((char *)(uintptr_t)k->secret.p, k->secret.n); /* in our arena */
    arena_free(&k->arena);
    mem_free(k);
    *key = NULL;
}

/* --- reading --- */

static bool kind_of(const EVP_PKEY *pkey, enum kind *out)
{
    char group[32] = "";
    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS")) {
        *out = KIND_RSA;
        return EVP_PKEY_get_bits(pkey) >= 2048;
    }
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        *out = KIND_ED25519;
        return true;
    }
    if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
        return false;
    *out = strcmp(group, "secp384r1") == 0 ? KIND_P384 : KIND_P256;
    return *out == KIND_P384 || strcmp(group, "prime256v1") == 0;
}

/* pkey is taken. */
static enum err key_of(struct jwt_key *k, EVP_PKEY *pkey, struct jwt_key **out, struct fault *f)
{
    k->pkey = pkey;
    *out = k;
    if (pkey && kind_of(pkey, &k->kind))
        return ERR_OK;
    jwt_key_free(out);
    return fault_set(f, ERR_INVALID,
                     "a public key is wanted: RSA of 2048 bits or more, P-256, P-384 or Ed25519");
}

enum err jwt_key_pem(struct span text, struct jwt_key **out, struct fault *f)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *at = (const unsigned char *)text.p;
    size_t left = text.n;
    OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(
        &pkey, "PEM", NULL, NULL, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, NULL, NULL);
    if (ctx)
        (void)OSSL_DECODER_from_data(ctx, &at, &left); /* pkey stays NULL */
    OSSL_DECODER_CTX_free(ctx);
    return key_of(key_new(), pkey, out, f);
}

static struct span member(struct arena *a, const json_t *jwk, const char *name)
{
    const json_t *v = json_object_get(jwk, name);
    struct span out;
    return jwt_base64(a, span_of(json_string_value(v), json_string_length(v)), &out) ? out
                                                                                     : SPAN("");
}

static EVP_PKEY *made_of(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params); /* pkey stays NULL */
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *rsa_of(struct arena *a, const json_t *jwk)
{
    struct span n = member(a, jwk, "n"), e = member(a, jwk, "e");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    EVP_PKEY *pkey = NULL;
    if (n.n && e.n && build && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        pkey = made_of("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return pkey;
}

static EVP_PKEY *ec_of(struct arena *a, const json_t *jwk)
{
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    struct span x = member(a, jwk, "x"), y = member(a, jwk, "y");
    bool large = curve && strcmp(curve, "P-384") == 0;
    size_t half = large ? 48 : 32;
    char point[1 + 2 * 48] = {4}; /* uncompressed */
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && curve && (large || strcmp(curve, "P-256") == 0) && x.n == half && y.n == half) {
        memcpy(point + 1, x.p, half);
        memcpy(point + 1 + half, y.p, half);
        if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                            large ? "secp384r1" : "prime256v1", 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half) ==
                1)
            pkey = made_of("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *okp_of(struct arena *a, const json_t *jwk)
{
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    struct span x = member(a, jwk, "x");
    return curve && strcmp(curve, "Ed25519") == 0
               ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p,
                                             x.n)
               : NULL;
}

static enum err oct_of(struct jwt_key *k, const json_t *jwk, struct jwt_key **out, struct fault *f)
{
    k->kind = KIND_OCT;
    k->secret = member(k->arena, jwk, "k");
    *out = k;
    if (k->secret.n >= 32) /* RFC 7518 §3.2 */
        return ERR_OK;
    jwt_key_free(out);
    return fault_set(f, ERR_INVALID, "an oct key has 32 bytes at least");
}

static const char *text_of(struct arena *a, const json_t *jwk, const char *name)
{
    const json_t *v = json_object_get(jwk, name);
    return json_is_string(v) ? arena_cstr(a, span_cstr(json_string_value(v))) : NULL;
}

enum err jwt_key_jwk(const json_t *jwk, struct jwt_key **out, struct fault *f)
{
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    struct jwt_key *k = key_new();
    struct arena *a = k->arena;
    k->alg = text_of(a, jwk, "alg");
    k->kid = text_of(a, jwk, "kid");
    if (type && strcmp(type, "oct") == 0)
        return oct_of(k, jwk, out, f);
    EVP_PKEY *pkey = !type                      ? NULL
                     : strcmp(type, "RSA") == 0 ? rsa_of(a, jwk)
                     : strcmp(type, "EC") == 0  ? ec_of(a, jwk)
                     : strcmp(type, "OKP") == 0 ? okp_of(a, jwk)
                                                : NULL;
    return key_of(k, pkey, out, f);
}

/* --- using --- */

bool jwt_key_is(const struct jwt_key *k, const char *alg, const char *kid)
{
    const struct algorithm *known = algorithm_of(alg);
    return known && known->kind == k->kind && (!k->alg || strcmp(k->alg, alg) == 0) &&
           (!k->kid || !kid || strcmp(k->kid, kid) == 0);
}

/* RFC 7518 §3.4: two numbers of one length; OpenSSL wants them as DER. */
static int ecdsa_der(struct span raw, size_t half, unsigned char **out)
{
    ECDSA_SIG *sig = raw.n == 2 * half ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = sig ? BN_bin2bn((const unsigned char *)raw.p, (int)half, NULL) : NULL;
    BIGNUM *s = sig ? BN_bin2bn((const unsigned char *)raw.p + half, (int)half, NULL) : NULL;
    int n = 0;
    if (r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        n = i2d_ECDSA_SIG(sig, out);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return n;
}

static bool verify(const struct jwt_key *k, const struct algorithm *how, struct span text,
                   const unsigned char *signature, size_t n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    bool good =
        ctx && EVP_DigestVerifyInit(ctx, &padding, how->md ? how->md() : NULL, NULL, k->pkey) == 1;
    if (good && how->pss)
        good = EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good && EVP_DigestVerify(ctx, signature, n, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

bool jwt_key_verify(const struct jwt_key *k, const char *alg, struct span text,
                    struct span signature)
{
    const struct algorithm *how = algorithm_of(alg);
    unsigned char mac[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned n = 0;
    if (k->kind == KIND_OCT)
        return HMAC(how->md(), k->secret.p, (int)k->secret.n, (const unsigned char *)text.p, text.n,
                    mac, &n) &&
               n == signature.n && CRYPTO_memcmp(mac, signature.p, n) == 0;
    if (how->half == 0)
        return verify(k, how, text, (const unsigned char *)signature.p, signature.n);
    int bytes = ecdsa_der(signature, how->half, &der);
    bool good = bytes > 0 && verify(k, how, text, der, (size_t)bytes);
    OPENSSL_free(der);
    return good;
}
