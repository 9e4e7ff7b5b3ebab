#include "net/tls.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/rand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A CA and one certificate for a lab. The CA's key is forgotten once it has signed, so that nobody who finds the
 * directory can sign another. */

#define TLS_SELF_DAY_S 86400L
#define TLS_SELF_DAYS 3650L
#define TLS_SELF_NAME_BYTES 64 /* ub-common-name of RFC 5280, appendix A.1 */
#define TLS_SELF_PATH_BYTES 4096
#define TLS_SELF_PEM_BYTES (64u << 10)

static bool tls_self_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = x && X509_add_ext(cert, x, -1) == 1;
    X509_EXTENSION_free(x);
    return ok;
}

static bool tls_self_serial(X509 *cert)
{
    unsigned char serial[16];
    rand_bytes(serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and never short: RFC 5280 §4.1.2.2 */
    BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

/* What CA and server have in common. issuer NULL: signed by itself. */
static X509 *tls_self_certificate(struct span name, EVP_PKEY *key, X509 *issuer)
{
    X509 *cert = X509_new();
    if (!cert)
        return NULL;
    time_t now = (time_t)clock_wall();
    X509_NAME *subject = X509_get_subject_name(cert);
    if (X509_set_version(cert, X509_VERSION_3) && tls_self_serial(cert) &&
        X509_time_adj_ex(X509_getm_notBefore(cert), 0, -TLS_SELF_DAY_S, &now) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), TLS_SELF_DAYS, 0, &now) &&
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name.p, (int)name.n, -1, 0) &&
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject) &&
        X509_set_pubkey(cert, key) &&
        tls_self_extension(cert, cert, NID_subject_key_identifier, "hash") &&
        tls_self_extension(cert, issuer ? issuer : cert, NID_authority_key_identifier,
                           "keyid:always"))
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *tls_self_ca(EVP_PKEY *key)
{
    X509 *ca = tls_self_certificate(SPAN("mailstead lab CA"), key, NULL);
    if (ca && tls_self_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        tls_self_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        X509_sign(ca, key, EVP_sha256()))
        return ca;
    X509_free(ca);
    return NULL;
}

/* An address or a host name; NULL: out of memory. */
static GENERAL_NAME *tls_self_general_name(struct span name)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    int address_bytes = 0;
    if (name.n > 0 && name.n < sizeof text) {
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        address_bytes = inet_pton(AF_INET, text, address) == 1    ? 4
                        : inet_pton(AF_INET6, text, address) == 1 ? 16
                                                                  : 0;
    }
    GENERAL_NAME *general = GENERAL_NAME_new();
    ASN1_STRING *value = address_bytes ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (general && value &&
        (address_bytes ? ASN1_STRING_set(value, address, address_bytes)
                       : ASN1_STRING_set(value, name.p, (int)name.n))) {
        GENERAL_NAME_set0_value(general, address_bytes ? GEN_IPADD : GEN_DNS, value);
        return general;
    }
    ASN1_STRING_free(value);
    GENERAL_NAME_free(general);
    return NULL;
}

static bool tls_self_alt_names(X509 *cert, const struct span *names, unsigned n)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;
    for (unsigned i = 0; ok && i < n; i++) {
        GENERAL_NAME *one = tls_self_general_name(names[i]);
        ok = one && sk_GENERAL_NAME_push(all, one) > 0;
        if (!ok)
            GENERAL_NAME_free(one);
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

static X509 *tls_self_server(const struct span *names, unsigned n, EVP_PKEY *key, X509 *ca,
                             EVP_PKEY *ca_key)
{
    bool fits = n > 0 && names[0].n > 0 && names[0].n <= TLS_SELF_NAME_BYTES;
    X509 *cert = tls_self_certificate(fits ? names[0] : SPAN("mailstead lab"), key, ca);
    if (cert && tls_self_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        tls_self_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
        tls_self_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
        tls_self_alt_names(cert, names, n) && X509_sign(cert, ca_key, EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

/* --- files --- */

static bool tls_self_path(char out[TLS_SELF_PATH_BYTES], const char *dir, const char *name,
                          const char *end)
{
    int n = snprintf(out, TLS_SELF_PATH_BYTES, "%s/%s%s", dir, name, end);
    return n > 0 && n < TLS_SELF_PATH_BYTES;
}

static enum err tls_self_write(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        if (n > 0)
            s = span_from(s, (size_t)n);
    }
    return fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

/* Writes pem as dir/name: whole, or not at all. */
static enum err tls_self_file(const char *dir, const char *name, mode_t mode, struct span pem,
                              struct fault *f)
{
    char path[TLS_SELF_PATH_BYTES], fresh[TLS_SELF_PATH_BYTES];
    if (!tls_self_path(path, dir, name, "") || !tls_self_path(fresh, dir, name, ".new"))
        return fault_set(f, ERR_INVALID, "%s: path too long", dir);
    if (unlink(fresh) != 0 && errno != ENOENT)
        return fault_set(f, ERR_IO, "%s: %s", fresh, strerror(errno));
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return fault_set(f, ERR_IO, "%s: %s", fresh, strerror(errno));
    enum err e = tls_self_write(fd, pem);
    if (e == ERR_OK && rename(fresh, path) != 0)
        e = ERR_IO;
    if (e != ERR_OK) {
        e = fault_set(f, ERR_IO, "%s: %s", path, strerror(errno));
        unlink(fresh);
    }
    close(fd);
    return e;
}

/* cert or key as PEM in a file. */
static enum err tls_self_put(const char *dir, const char *name, X509 *cert, EVP_PKEY *key,
                             struct fault *f)
{
    BIO *bio = BIO_new(key ? BIO_s_secmem() : BIO_s_mem());
    char *p = NULL;
    enum err e;
    if (bio && (key ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                    : PEM_write_bio_X509(bio, cert)) == 1) {
        long n = BIO_get_mem_data(bio, &p);
        e = tls_self_file(dir, name, key ? 0600 : 0644, span_of(p, (size_t)n), f);
    } else {
        e = fault_set(f, ERR_IO, "%s/%s: cannot encode", dir, name);
    }
    BIO_free(bio);
    return e;
}

static enum err tls_self_missing(const char *dir, bool *missing, struct fault *f)
{
    static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};
    char path[TLS_SELF_PATH_BYTES];
    *missing = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!tls_self_path(path, dir, names[i], ""))
            return fault_set(f, ERR_INVALID, "%s: path too long", dir);
        if (access(path, F_OK) != 0)
            *missing = true;
    }
    /* ca.pem comes last and says that the others belong together; it goes first for the same reason. */
    if (*missing && tls_self_path(path, dir, names[0], "") && unlink(path) != 0 && errno != ENOENT)
        return fault_set(f, ERR_IO, "%s: %s", path, strerror(errno));
    return ERR_OK;
}

enum err tls_self_made(const char *dir, const struct span *names, unsigned n, struct fault *f)
{
    bool missing;
    enum err e = tls_self_missing(dir, &missing, f);
    if (e != ERR_OK || !missing)
        return e;
    EVP_PKEY *ca_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *ca = ca_key ? tls_self_ca(ca_key) : NULL;
    X509 *cert = ca && key ? tls_self_server(names, n, key, ca, ca_key) : NULL;
    if (!cert)
        e = fault_set(f, ERR_IO, "self-made certificate: %s",
                      ERR_peek_error() ? ERR_reason_error_string(ERR_peek_error()) : "failed");
    if (e == ERR_OK)
        e = tls_self_put(dir, "key.pem", NULL, key, f);
    if (e == ERR_OK)
        e = tls_self_put(dir, "cert.pem", cert, NULL, f);
    if (e == ERR_OK)
        e = tls_self_put(dir, "ca.pem", ca, NULL, f);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    ERR_clear_error();
    return e;
}
