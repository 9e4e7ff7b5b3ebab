#include "net/tls.h"

#include "tests/unit/net/peer.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

static struct peer_certificate one, other;
static struct tls *tls;

/* Both sides of a handshake in one thread; true if it stands. */
static bool shake(SSL *server, SSL *client)
{
    for (int i = 0; i < 20; i++) {
        int c = SSL_do_handshake(client), s = SSL_do_handshake(server);
        if (c == 1 && s == 1)
            return true;
        int ce = c == 1 ? SSL_ERROR_WANT_READ : SSL_get_error(client, c);
        int se = s == 1 ? SSL_ERROR_WANT_READ : SSL_get_error(server, s);
        ERR_clear_error();
        if (ce != SSL_ERROR_WANT_READ || se != SSL_ERROR_WANT_READ)
            return false;
    }
    return false;
}

struct ends {
    int fds[2];
    SSL *server, *client;
};

static void ends_open(struct ends *e, const char *ca, const char *alpn)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e->fds), 0);
    e->server = tls_accept(tls, e->fds[0]);
    e->client = peer_tls(e->fds[1], ca, alpn);
    assert_non_null(e->server);
}

static void ends_close(struct ends *e)
{
    SSL_free(e->server);
    SSL_free(e->client);
    close(e->fds[0]);
    close(e->fds[1]);
}

static void tls_refuses_old(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { int most; const char *ciphers; bool stands; } cases[] = {
        {0,              NULL,                          true},
        {TLS1_3_VERSION, NULL,                          true},
        {TLS1_2_VERSION, NULL,                          true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA",      false}, /* CBC */
        {TLS1_2_VERSION, "AES128-GCM-SHA256",           false}, /* no forward secrecy */
        {TLS1_1_VERSION, "ALL:@SECLEVEL=0",             false},
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct ends e;
        ends_open(&e, one.ca, NULL);
        SSL_set_max_proto_version(e.client, cases[i].most);
        if (cases[i].ciphers)
            assert_int_equal(SSL_set_cipher_list(e.client, cases[i].ciphers), 1);
        if (cases[i].most == TLS1_1_VERSION)
            SSL_set_min_proto_version(e.client, TLS1_VERSION);
        assert_int_equal(shake(e.server, e.client), cases[i].stands);
        ends_close(&e);
    }
}

static void tls_checks_alpn(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *offered; bool stands; } cases[] = {
        {NULL, true}, {"imap", true}, {"http/1.1", false}, {"ima", false}, {"imap2", false},
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct ends e;
        const unsigned char *chosen;
        unsigned n;
        ends_open(&e, one.ca, cases[i].offered);
        assert_int_equal(shake(e.server, e.client), cases[i].stands);
        SSL_get0_alpn_selected(e.client, &chosen, &n);
        assert_int_equal(n, cases[i].stands && cases[i].offered ? strlen(cases[i].offered) : 0);
        ends_close(&e);
    }
}

static void copy(const char *from, const char *to)
{
    char bytes[65536], path[128];
    FILE *in = fopen(from, "r");
    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    snprintf(path, sizeof path, "%s.new", to);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
    assert_int_equal(rename(path, to), 0);
}

static void tls_reloads(void **state)
{
    (void)state;
    struct ends before, after;
    struct fault f = FAULT_NONE;
    bool changed = true;
    assert_int_equal(tls_reload_if_changed(tls, &changed, &f), ERR_OK);
    assert_false(changed);
    ends_open(&before, one.ca, NULL);
    /* half a change: the old pair stays in force */
    copy(other.cert, one.cert);
    assert_int_equal(tls_reload_if_changed(tls, &changed, &f), ERR_INVALID);
    assert_false(changed);
    assert_non_null(strstr(f.text, one.key));
    ends_open(&after, one.ca, NULL);
    assert_true(shake(after.server, after.client));
    ends_close(&after);
    /* the other half */
    copy(other.key, one.key);
    assert_int_equal(tls_reload_if_changed(tls, &changed, &f), ERR_OK);
    assert_true(changed);
    ends_open(&after, other.ca, NULL);
    assert_true(shake(after.server, after.client));
    ends_close(&after);
    /* one that began before goes on with what it had */
    assert_true(shake(before.server, before.client));
    ends_close(&before);
}

static void tls_names_the_bad_file(void **state)
{
    (void)state;
    char encrypted[128], junk[128];
    snprintf(encrypted, sizeof encrypted, "%s/encrypted.pem", other.dir);
    snprintf(junk, sizeof junk, "%s/junk.pem", other.dir);
    FILE *out = fopen(encrypted, "w");
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    unsigned char password[] = "secret";
    assert_int_equal(PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), password, 6, NULL, NULL), 1);
    EVP_PKEY_free(key);
    fclose(out);
    out = fopen(junk, "w");
    fputs("not PEM\n", out);
    fclose(out);
    const struct {
        const char *cert, *key, *named;
    } cases[] = {
        {"/nonexistent", other.key, "/nonexistent"},
        {other.cert, "/nonexistent", "/nonexistent"},
        {junk, other.key, junk},
        {other.cert, junk, junk},
        {other.cert, encrypted, encrypted},
        {other.ca, other.key, other.key},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct tls *t = tls;
        struct fault f = FAULT_NONE;
        assert_int_equal(tls_open(cases[i].cert, cases[i].key, &t, &f), ERR_INVALID);
        assert_null(t);
        assert_non_null(strstr(f.text, cases[i].named));
    }
    unlink(encrypted);
    unlink(junk);
}

static int group_begin(void **state)
{
    (void)state;
    peer_certificate_make(&one);
    peer_certificate_make(&other);
    if (tls_open(one.cert, one.key, &tls, NULL) != ERR_OK)
        return -1;
    tls_alpn(tls, "imap");
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    tls_close(&tls);
    tls_close(&tls);
    peer_certificate_remove(&one);
    peer_certificate_remove(&other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_refuses_old),
        cmocka_unit_test(tls_checks_alpn),
        cmocka_unit_test(tls_names_the_bad_file),
        cmocka_unit_test(tls_reloads),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
