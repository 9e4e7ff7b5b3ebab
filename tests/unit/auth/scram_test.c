#include "auth/scram.h"

#include "common/b64.h"
#include "tests/unit/unit_arena.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* The conversations of RFC 5802 §5 and RFC 7677 §3, user "user", password "pencil". */
static const struct vector {
    enum scram_hash hash;
    const char *salt, *first_bare, *server_first, *without_proof, *proof, *signature;
} vectors[] = {
    {SCRAM_SHA1, "QSXCR+Q6sek8bf92", "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static struct span bytes_of(struct arena *a, const char *text)
{
    struct span out;
    assert_true(b64_decode(a, span_cstr(text), &out));
    return out;
}

/* The keys of a salt of any length: ours have 16 bytes. */
static void derive(const struct vector *v, struct span salt, struct credential_keys *out)
{
    unsigned char salted[SCRAM_BYTES], client[SCRAM_BYTES];
    const EVP_MD *md = v->hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
    int n = (int)scram_bytes(v->hash);
    PKCS5_PBKDF2_HMAC("pencil", 6, (const unsigned char *)salt.p, (int)salt.n, 4096, md, n, salted);
    HMAC(md, salted, n, (const unsigned char *)"Client Key", 10, client, NULL);
    EVP_Digest(client, (size_t)n, (unsigned char *)(uintptr_t)scram_stored(out, v->hash).p, NULL,
               md, NULL);
    HMAC(md, salted, n, (const unsigned char *)"Server Key", 10,
         (unsigned char *)(uintptr_t)scram_server(out, v->hash).p, NULL);
}

static void the_examples_hold(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < UNIT_COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct credential_keys keys;
        unsigned char out[SCRAM_BYTES];
        struct span proof = bytes_of(a, v->proof), salt = bytes_of(a, v->salt);
        struct span message =
            arena_printf(a, "%s,%s,%s", v->first_bare, v->server_first, v->without_proof);
        if (salt.n == CREDENTIAL_SALT_BYTES) {
            struct credential_scram s = {.iterations = {4096, 4096, 4096}};
            memcpy(s.salt, salt.p, salt.n);
            assert_true(scram_keys(&s, SPAN("pencil"), &keys));
        } else {
            derive(v, salt, &keys);
        }
        assert_true(scram_proves(&keys, v->hash, message, proof));
        unit_assert_same(scram_signature(&keys, v->hash, message, out), bytes_of(a, v->signature));
        assert_false(scram_proves(&keys, v->hash, span_from(message, 1), proof));
        assert_false(scram_proves(&keys, v->hash, message, span_from(proof, 1)));
        ((char *)(uintptr_t)proof.p)[0] ^= 1;
        assert_false(scram_proves(&keys, v->hash, message, proof));
    }
}

static void passwords_are_prepared(void **state)
{
    struct credential_scram s;
    struct credential_keys one, two;
    (void)state; /* cmocka wants it */
    scram_init(&s, 4096);
    assert_true(scram_keys(&s, SPAN("\u2168"), &one));
    assert_true(scram_keys(&s, SPAN("IX"), &two));
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(scram_keys(&s, SPAN("ix"), &two));
    assert_memory_not_equal(&one, &two, sizeof one);
    assert_false(scram_keys(&s, SPAN(""), &one));
    assert_false(scram_keys(&s, SPAN("\xff"), &one));
    assert_false(scram_keys(&s, SPAN("a\001"), &one));
}

static void nobody_is_always_the_same(void **state)
{
    struct credential_scram one, two;
    (void)state; /* cmocka wants it */
    scram_nobody(7, SPAN("x@example.org"), 10000, &one);
    scram_nobody(7, SPAN("x@example.org"), 10000, &two);
    assert_memory_equal(one.salt, two.salt, sizeof one.salt);
    assert_int_equal(one.iterations[SCRAM_SHA256], 10000);
    assert_false(one.own);
    scram_nobody(8, SPAN("x@example.org"), 10000, &two);
    assert_memory_not_equal(one.salt, two.salt, sizeof one.salt);
    scram_nobody(7, SPAN("y@example.org"), 10000, &two);
    assert_memory_not_equal(one.salt, two.salt, sizeof one.salt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_examples_hold, unit_arena_new, unit_arena_free),
        cmocka_unit_test(passwords_are_prepared), cmocka_unit_test(nobody_is_always_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
