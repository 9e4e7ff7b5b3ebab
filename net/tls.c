#include "net/tls.h"

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/stat.h>

/* RFC 9325 §4.2: forward secrecy and AEAD only. The suites of TLS 1.3 are all of that kind. */
#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_GROUPS "X25519:P-256:P-384"
#define TLS_ALPN_BYTES 32

struct tls {
    char *certificate_file, *key_file, *clients_file; /* the last may be NULL */
    unsigned char
        alpn[TLS_ALPN_BYTES]; /* as on the wire: a length, then the name; length 0: none */
    pthread_mutex_t lock;     /* guards what follows */
    SSL_CTX *ctx;
    struct stat seen[2]; /* of the two files when they were read */
};

/* The first error of OpenSSL's queue, which is the cause; empties the queue. */
static const char *tls_error(void)
{
    unsigned long code = ERR_get_error();
    const char *why = NULL;
    if (code)
        why =
            ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    ERR_clear_error();
    return why ? why : "unknown error";
}

/* RFC 7301 §3.2: a client that offers only other protocols is refused, which also keeps it from being led here by
 * somebody in between (ALPACA). */
static int tls_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *arg)
{
    const struct tls *t = arg;
    (void)ssl;
    unsigned want = t->alpn[0];
    if (want == 0)
        return SSL_TLSEXT_ERR_NOACK;
    for (unsigned at = 0; at < in_bytes && in_bytes - at > in[at]; at += 1u + in[at]) {
        if (in[at] == want && memcmp(in + at + 1, t->alpn + 1, want) == 0) {
            *out = in + at + 1;
            *out_bytes = (unsigned char)want;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* An encrypted key file is an error, not a question on the terminal. */
static int tls_no_password(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static bool tls_rules(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ctx, tls_no_password);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, TLS_CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ctx, TLS_GROUPS) == 1;
}

/* A certificate that nobody vouches for is passed over by tls_certificate; it is no reason to end the connection. */
static int tls_any_client(int good, X509_STORE_CTX *ctx)
{
    (void)good;
    (void)ctx;
    return 1;
}

static enum err tls_read_clients(SSL_CTX *ctx, const char *file, struct fault *f)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (!names || SSL_CTX_load_verify_locations(ctx, file, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fault_set(f, ERR_INVALID, "CA of client certificates %s: %s", file, tls_error());
    }
    SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, tls_any_client);
    return ERR_OK;
}

/* A context of t's files as they are now. */
static enum err tls_read(struct tls *t, SSL_CTX **out, struct stat seen[2], struct fault *f)
{
    if (stat(t->certificate_file, &seen[0]) != 0)
        return fault_set(f, ERR_INVALID, "certificate %s: %s", t->certificate_file,
                         strerror(errno));
    if (stat(t->key_file, &seen[1]) != 0)
        return fault_set(f, ERR_INVALID, "key %s: %s", t->key_file, strerror(errno));
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum err e = ERR_OK;
    if (!ctx || !tls_rules(ctx))
        e = fault_set(f, ERR_IO, "TLS: %s", tls_error());
    else if (SSL_CTX_use_certificate_chain_file(ctx, t->certificate_file) != 1)
        e = fault_set(f, ERR_INVALID, "certificate %s: %s", t->certificate_file, tls_error());
    else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1)
        e = fault_set(f, ERR_INVALID, "key %s: %s", t->key_file, tls_error());
    else if (SSL_CTX_check_private_key(ctx) != 1)
        e = fault_set(f, ERR_INVALID, "key %s: does not match %s: %s", t->key_file,
                      t->certificate_file, tls_error());
    else if (t->clients_file)
        e = tls_read_clients(ctx, t->clients_file, f);
    if (e != ERR_OK) {
        SSL_CTX_free(ctx);
        return e;
    }
    SSL_CTX_set_alpn_select_cb(ctx, tls_alpn_choose, t);
    *out = ctx;
    return ERR_OK;
}

enum err tls_open(const char *certificate_file, const char *key_file, struct tls **out,
                  struct fault *f)
{
    struct tls *t = mem_new(struct tls);
    t->certificate_file = mem_strdup(certificate_file);
    t->key_file = mem_strdup(key_file);
    pthread_mutex_init(&t->lock, NULL);
    enum err e = tls_read(t, &t->ctx, t->seen, f);
    if (e != ERR_OK)
        tls_close(&t);
    *out = t;
    return e;
}

void tls_close(struct tls **tls)
{
    struct tls *t = *tls;
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    pthread_mutex_destroy(&t->lock);
    mem_free(t->certificate_file);
    mem_free(t->key_file);
    mem_free(t->clients_file);
    mem_free(t);
    *tls = NULL;
}

enum err tls_reload(struct tls *t, struct fault *f)
{
    SSL_CTX *fresh;
    struct stat seen[2];
    enum err e = tls_read(t, &fresh, seen, f);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&t->lock);
    SSL_CTX *old = t->ctx;
    t->ctx = fresh;
    memcpy(t->seen, seen, sizeof seen);
    pthread_mutex_unlock(&t->lock);
    SSL_CTX_free(old);
    log_event(LOG_INFO, NULL, "net.certificate", "file=%s",
              LOG_SPAN(span_cstr(t->certificate_file)));
    return ERR_OK;
}

static bool tls_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum err tls_reload_if_changed(struct tls *t, bool *changed_out, struct fault *f)
{
    struct stat now[2], seen[2];
    if (changed_out)
        *changed_out = false;
    pthread_mutex_lock(&t->lock);
    memcpy(seen, t->seen, sizeof seen);
    pthread_mutex_unlock(&t->lock);
    /* A file that is not there is about to be renamed into place: tls_read says so if it stays away. */
    if (stat(t->certificate_file, &now[0]) == 0 && stat(t->key_file, &now[1]) == 0 &&
        tls_same_file(&now[0], &seen[0]) && tls_same_file(&now[1], &seen[1]))
        return ERR_OK;
    enum err e = tls_reload(t, f);
    if (e == ERR_OK && changed_out)
        *changed_out = true;
    return e;
}

SSL *tls_accept(struct tls *t, int fd)
{
    ERR_clear_error();
    pthread_mutex_lock(&t->lock);
    SSL *ssl = SSL_new(t->ctx); /* takes its own reference to the context */
    pthread_mutex_unlock(&t->lock);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    ERR_clear_error();
    return ssl;
}

void tls_alpn(struct tls *t, const char *name)
{
    size_t n = strlen(name);
    must(n < TLS_ALPN_BYTES);
    t->alpn[0] = (unsigned char)n;
    memcpy(t->alpn + 1, name, n);
}

enum err tls_clients(struct tls *t, const char *ca_file, struct fault *f)
{
    char *old = t->clients_file;
    t->clients_file = mem_strdup(ca_file);
    enum err e = tls_reload(t, f);
    if (e != ERR_OK) {
        mem_free(t->clients_file);
        t->clients_file = old;
        return e;
    }
    mem_free(old);
    return ERR_OK;
}

/* --- what a connection knows --- */

/* RFC 5929 §4.1: the digest of the certificate by the algorithm with which it is signed, SHA-256 instead of MD5 and SHA-1. */
static size_t tls_end_point(const SSL *ssl, unsigned char *out)
{
    X509 *certificate = SSL_get_certificate(ssl);
    int digest = NID_undef;
    unsigned n = 0;
    if (!certificate || X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) != 1 ||
        digest == NID_undef)
        return 0; /* as with Ed25519: there it is not defined */
    const EVP_MD *md =
        digest == NID_md5 || digest == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(digest);
    return md && X509_digest(certificate, md, out, &n) == 1 ? n : 0;
}

size_t tls_binding(const SSL *ssl, struct span type, unsigned char out[TLS_BINDING_BYTES])
{
    SSL *with = (SSL *)(uintptr_t)ssl; /* OpenSSL asks for more than it needs */
    size_t n = 0;
    bool modern = SSL_version(ssl) >= TLS1_3_VERSION;
    if (span_eq(type, SPAN("tls-server-end-point")))
        n = tls_end_point(ssl, out);
    else if (span_eq(type, SPAN("tls-exporter")) && modern)
        n = SSL_export_keying_material(with, out, 32, "EXPORTER-Channel-Binding", 24,
                                       (const unsigned char *)"", 0, 1) == 1
                ? 32
                : 0;
    else if (span_eq(type, SPAN("tls-unique")) && !modern && SSL_get_extms_support(with) == 1)
        n = SSL_get_peer_finished(ssl, out, TLS_BINDING_BYTES); /* no session is resumed here */
    ERR_clear_error();
    return n;
}

bool tls_certificate(const SSL *ssl, struct buf *names)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *x = SSL_get0_peer_certificate(ssl);
    if (!x || SSL_get_verify_result(ssl) != X509_V_OK ||
        X509_digest(x, EVP_sha256(), digest, &n) != 1)
        return false;
    if (!names)
        return true;
    STACK_OF(OPENSSL_STRING) *emails = X509_get1_email(x);
    for (int i = 0; i < sk_OPENSSL_STRING_num(emails); i++) {
        const char *email = sk_OPENSSL_STRING_value(emails, i);
        if (!strchr(email, '\n'))
            (void)buf_addf(names, "%s\n", email);
    }
    X509_email_free(emails);
    (void)buf_addz(names, "sha256:");
    for (unsigned i = 0; i < n; i++)
        (void)buf_addf(names, "%02x", digest[i]);
    return buf_byte(names, '\n');
}
