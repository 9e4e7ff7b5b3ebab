#include "tests/unit/net/peer.h"

#include "common/clock.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

static X509 *read_certificate(const char *path)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    X509 *cert = PEM_read_X509(in, NULL, NULL, NULL);
    assert_non_null(cert);
    fclose(in);
    return cert;
}

static void tls_self_names(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *host, *ip; int found; } cases[] = {
        {"localhost",           NULL,        1},
        {"MAIL.example.org",    NULL,        1},
        {"example.org",         NULL,        0},
        {NULL,                  "127.0.0.1", 1},
        {NULL,                  "::1",       1},
        {NULL,                  "127.0.0.2", 0},
    };
    /* clang-format on */
    struct peer_certificate p;
    peer_certificate_make(&p);
    X509 *cert = read_certificate(p.cert), *ca = read_certificate(p.ca);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        assert_int_equal(cases[i].host ? X509_check_host(cert, cases[i].host, 0, 0, NULL)
                                       : X509_check_ip_asc(cert, cases[i].ip, 0),
                         cases[i].found);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    X509_STORE_CTX_init(ctx, store, cert, NULL);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_verify_cert(ctx), 1);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(cert);
    X509_free(ca);
    peer_certificate_remove(&p);
}

static void read_text(const char *path, char out[4096])
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    out[fread(out, 1, 4095, in)] = '\0';
    fclose(in);
}

static void tls_self_keeps_what_is_there(void **state)
{
    (void)state;
    static const struct span name = {"localhost", 9};
    struct peer_certificate p;
    struct stat st;
    char first[4096], second[4096];
    peer_certificate_make(&p);
    assert_int_equal(stat(p.key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    read_text(p.key, first);
    assert_int_equal(tls_self_made(p.dir, &name, 1, NULL), ERR_OK);
    read_text(p.key, second);
    assert_string_equal(first, second);
    /* one of the three is missing: all are made anew, and belong together */
    unlink(p.cert);
    assert_int_equal(tls_self_made(p.dir, &name, 1, NULL), ERR_OK);
    read_text(p.key, second);
    assert_string_not_equal(first, second);
    struct tls *t;
    assert_int_equal(tls_open(p.cert, p.key, &t, NULL), ERR_OK);
    tls_close(&t);
    peer_certificate_remove(&p);
}

static void tls_self_dates(void **state)
{
    (void)state;
    struct peer_certificate p;
    time_t now = 2000000000;
    clock_freeze(now);
    peer_certificate_make(&p);
    clock_thaw();
    X509 *cert = read_certificate(p.cert);
    time_t before = now - 3600, years = now + 9L * 365 * 86400, over = now + 11L * 365 * 86400;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(cert), &before), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &years), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &over), -1);
    X509_free(cert);
    peer_certificate_remove(&p);
}

static void tls_self_says_why_not(void **state)
{
    (void)state;
    static const struct span name = {"localhost", 9};
    struct fault f = FAULT_NONE;
    assert_int_equal(tls_self_made("/nonexistent/dir", &name, 1, &f), ERR_IO);
    assert_non_null(strstr(f.text, "/nonexistent/dir"));
    char long_dir[5000];
    memset(long_dir, 'x', sizeof long_dir);
    long_dir[sizeof long_dir - 1] = '\0';
    assert_int_equal(tls_self_made(long_dir, &name, 1, &f), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_self_names),
        cmocka_unit_test(tls_self_keeps_what_is_there),
        cmocka_unit_test(tls_self_dates),
        cmocka_unit_test(tls_self_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
