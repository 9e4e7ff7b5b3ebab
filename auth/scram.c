#include "auth/scram.h"

#include "common/must.h"
#include "common/rand.h"
#include "message/saslprep.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const struct {
    size_t bytes, offset; /* of StoredKey among the keys; ServerKey follows */
    const EVP_MD *(*md)(void);
} scram_hashes[CREDENTIAL_HASHES] = {
    [SCRAM_SHA1] = {20, 0, EVP_sha1},
    [SCRAM_SHA256] = {32, 40, EVP_sha256},
    [SCRAM_SHA512] = {64, 104, EVP_sha512},
};

size_t scram_bytes(enum scram_hash hash)
{
    return scram_hashes[hash].bytes;
}

struct span scram_stored(const struct credential_keys *keys, enum scram_hash hash)
{
    return span_of(keys->bytes + scram_hashes[hash].offset, scram_bytes(hash));
}

struct span scram_server(const struct credential_keys *keys, enum scram_hash hash)
{
    return span_of(keys->bytes + scram_hashes[hash].offset + scram_bytes(hash), scram_bytes(hash));
}

static void scram_hmac(enum scram_hash hash, struct span key, struct span text, unsigned char *out)
{
    must(HMAC(scram_hashes[hash].md(), key.p, (int)key.n, (const unsigned char *)text.p, text.n,
              out, NULL));
}

static void scram_h(enum scram_hash hash, struct span in, unsigned char *out)
{
    must(EVP_Digest(in.p, in.n, out, NULL, scram_hashes[hash].md(), NULL) == 1);
}

/* SaltedPassword := Hi(Normalize(password), salt, i)    ClientKey := HMAC(SaltedPassword, "Client Key")
 * StoredKey := H(ClientKey)    ServerKey := HMAC(SaltedPassword, "Server Key")    RFC 5802 §3 */
static void scram_derive(const struct credential_scram *s, enum scram_hash hash,
                         struct span password, struct credential_keys *out)
{
    unsigned char salted[SCRAM_BYTES], client[SCRAM_BYTES];
    size_t n = scram_bytes(hash);
    unsigned char *stored = (unsigned char *)out->bytes + scram_hashes[hash].offset;
    must(PKCS5_PBKDF2_HMAC(password.n ? password.p : "", (int)password.n,
                           (const unsigned char *)s->salt, CREDENTIAL_SALT_BYTES,
                           (int)s->iterations[hash], scram_hashes[hash].md(), (int)n, salted) == 1);
    scram_hmac(hash, span_of(salted, n), SPAN("Client Key"), client);
    scram_h(hash, span_of(client, n), stored);
    scram_hmac(hash, span_of(salted, n), SPAN("Server Key"), stored + n);
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(client, sizeof client);
}

bool scram_keys(const struct credential_scram *s, struct span password, struct credential_keys *out)
{
    struct arena *a = arena_new();
    struct span plain;
    bool good = saslprep(a, password, &plain) && plain.n > 0;
    for (int hash = 0; good && hash < CREDENTIAL_HASHES; hash++)
        scram_derive(s, (enum scram_hash)hash, plain, out);
    if (good && plain.p != password.p)
        OPENSSL_cleanse((char *)(uintptr_t)plain.p, plain.n); /* our own copy */
    arena_free(&a);
    return good;
}

void scram_init(struct credential_scram *s, unsigned iterations)
{
    *s = (struct credential_scram){.iterations = {iterations, iterations, iterations}};
    rand_bytes(s->salt, sizeof s->salt);
}

/* ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage), and H(ClientKey) is the StoredKey */
bool scram_proves(const struct credential_keys *keys, enum scram_hash hash, struct span message,
                  struct span proof)
{
    unsigned char client[SCRAM_BYTES], stored[SCRAM_BYTES];
    size_t n = scram_bytes(hash);
    if (proof.n != n)
        return false;
    scram_hmac(hash, scram_stored(keys, hash), message, client);
    for (size_t i = 0; i < n; i++)
        client[i] = (unsigned char)(client[i] ^ (unsigned char)proof.p[i]);
    scram_h(hash, span_of(client, n), stored);
    bool same = CRYPTO_memcmp(stored, scram_stored(keys, hash).p, n) == 0;
    OPENSSL_cleanse(client, sizeof client);
    return same;
}

struct span scram_signature(const struct credential_keys *keys, enum scram_hash hash,
                            struct span message, unsigned char out[SCRAM_BYTES])
{
    scram_hmac(hash, scram_server(keys, hash), message, out);
    return span_of(out, scram_bytes(hash));
}

void scram_nobody(uint64_t secret, struct span user, unsigned iterations,
                  struct credential_scram *out)
{
    unsigned char mac[SCRAM_BYTES];
    *out = (struct credential_scram){.iterations = {iterations, iterations, iterations}};
    scram_hmac(SCRAM_SHA256, span_of(&secret, sizeof secret), user, mac);
    memcpy(out->salt, mac, CREDENTIAL_SALT_BYTES);
    scram_hmac(SCRAM_SHA512, span_of(&secret, sizeof secret), user, mac); /* keys that none fits */
    for (size_t i = 0; i < CREDENTIAL_KEYS_BYTES; i++)
        out->keys.bytes[i] = (char)mac[i % SCRAM_BYTES];
}
