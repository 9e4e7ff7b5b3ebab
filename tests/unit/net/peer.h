#pragma once /* tests/unit/net/peer.h: loops that run, sessions that note what happens to them, and blocking clients */
#include "tests/unit/unit.h"

#include "common/buf.h"
#include "common/mem.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PEER_WAIT_S 20 /* a hang becomes a failure; nothing else depends on it */

/* --- a loop on a thread of its own --- */

struct peer_loop {
    struct loop *loop;
    pthread_t thread;
};

static inline void *peer_loop_main(void *arg)
{
    loop_run(((struct peer_loop *)arg)->loop);
    return NULL;
}

static inline void peer_loop_start(struct peer_loop *p)
{
    struct fault f = FAULT_NONE;
    assert_int_equal(loop_new(&p->loop, &f), ERR_OK);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_loop_main, p), 0);
}

static inline void peer_loop_end(struct peer_loop *p)
{
    loop_stop(p->loop);
    pthread_join(p->thread, NULL);
    loop_free(&p->loop);
}

/* Runs fn(arg) on the loop and waits for it. */
struct peer_call {
    struct post_note note;
    void (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

static inline void peer_call_run(struct post_note *note)
{
    struct peer_call *call = list_entry(note, struct peer_call, note);
    call->fn(call->arg);
    pthread_mutex_lock(&call->lock);
    call->done = true;
    pthread_cond_signal(&call->cond);
    pthread_mutex_unlock(&call->lock);
}

static inline void peer_on(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct peer_call call = {.note.run = peer_call_run, .fn = fn, .arg = arg};
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.cond, NULL);
    post_send(loop_post(l), &call.note);
    pthread_mutex_lock(&call.lock);
    while (!call.done)
        pthread_cond_wait(&call.cond, &call.lock);
    pthread_mutex_unlock(&call.lock);
    pthread_cond_destroy(&call.cond);
    pthread_mutex_destroy(&call.lock);
}

static inline void peer_nothing(void *arg)
{
    (void)arg;
}

/* --- what happened, as words in the order in which it did --- */

struct peer_diary {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct buf words;
};

static inline void peer_diary_init(struct peer_diary *d)
{
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->cond, NULL);
    buf_init(&d->words, 1u << 20);
}

static inline void peer_diary_fini(struct peer_diary *d)
{
    buf_fini(&d->words);
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->lock);
}

static inline void peer_note(struct peer_diary *d, const char *word)
{
    pthread_mutex_lock(&d->lock);
    buf_addz(&d->words, word);
    buf_addz(&d->words, "\n");
    pthread_cond_broadcast(&d->cond);
    pthread_mutex_unlock(&d->lock);
}

static inline unsigned peer_noted(struct peer_diary *d, const char *word)
{
    unsigned n = 0;
    pthread_mutex_lock(&d->lock);
    struct span s = buf_span(&d->words), w = span_cstr(word);
    for (size_t at = 0, eol; at < s.n; at += eol + 1) {
        eol = span_find(span_from(s, at), '\n');
        n += span_eq(span_to(span_from(s, at), eol), w);
    }
    pthread_mutex_unlock(&d->lock);
    return n;
}

/* Until word was noted n times. */
static inline void peer_await(struct peer_diary *d, const char *word, unsigned n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PEER_WAIT_S;
    while (peer_noted(d, word) < n) {
        pthread_mutex_lock(&d->lock);
        size_t had = d->words.n;
        pthread_mutex_unlock(&d->lock);
        if (peer_noted(d, word) >= n)
            return;
        pthread_mutex_lock(&d->lock);
        int r = 0;
        while (d->words.n == had && r == 0)
            r = pthread_cond_timedwait(&d->cond, &d->lock, &until);
        if (r != 0)
            print_error("waited for %s, have: %.*s", word, (int)d->words.n,
                        d->words.n ? d->words.p : "");
        pthread_mutex_unlock(&d->lock);
        assert_int_equal(r, 0);
    }
}

/* --- sockets --- */

static inline void peer_patience(int fd)
{
    struct timeval t = {.tv_sec = PEER_WAIT_S};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t), 0);
}

/* A TCP connection over loopback: ends[0] blocks and is the client's, ends[1] does not and is for conn_new. */
static inline void peer_pair(int ends[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&at, &n), 0);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&at, sizeof at), 0);
    ends[1] = accept4(door, NULL, NULL, SOCK_NONBLOCK);
    assert_true(ends[1] >= 0);
    close(door);
    peer_patience(ends[0]);
}

static inline void peer_put(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        assert_true(n > 0);
        s = span_from(s, (size_t)n);
    }
}

/* The next n bytes are the literal's. */
static inline void peer_expect(int fd, const char *z)
{
    char got[4096];
    size_t n = strlen(z), at = 0;
    assert_true(n <= sizeof got);
    while (at < n) {
        ssize_t r = recv(fd, got + at, n - at, 0);
        if (r <= 0)
            print_error("wanted %s after %.*s: %zd %s\n", z, (int)at, got, r, strerror(errno));
        assert_true(r > 0);
        at += (size_t)r;
    }
    assert_memory_equal(got, z, n);
}

static inline void peer_expect_end(int fd)
{
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
}

/* --- a TLS client that blocks --- */

static inline SSL *peer_tls(int fd, const char *ca_file, const char *alpn)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ca_file) {
        assert_int_equal(SSL_CTX_load_verify_locations(ctx, ca_file, NULL), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (alpn) {
        unsigned char wire[32] = {(unsigned char)strlen(alpn)};
        memcpy(wire + 1, alpn, wire[0]);
        assert_int_equal(SSL_set_alpn_protos(ssl, wire, 1u + wire[0]), 0);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

static inline void peer_tls_put(SSL *ssl, struct span s)
{
    size_t n = 0;
    assert_int_equal(SSL_write_ex(ssl, s.p, s.n, &n), 1);
    assert_int_equal(n, s.n);
}

static inline void peer_tls_expect(SSL *ssl, const char *z)
{
    char got[4096];
    size_t n = strlen(z), at = 0;
    while (at < n) {
        size_t part;
        assert_int_equal(SSL_read_ex(ssl, got + at, n - at, &part), 1);
        at += part;
    }
    assert_memory_equal(got, z, n);
}

/* --- certificates in a folder of their own --- */

struct peer_certificate {
    char dir[64], ca[96], cert[96], key[96];
};

static inline void peer_certificate_make(struct peer_certificate *p)
{
    static const struct span names[] = {
        {"localhost", 9}, {"mail.example.org", 16}, {"127.0.0.1", 9}, {"::1", 3}};
    struct fault f = FAULT_NONE;
    snprintf(p->dir, sizeof p->dir, "/tmp/mailstead-net-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->ca, sizeof p->ca, "%s/ca.pem", p->dir);
    snprintf(p->cert, sizeof p->cert, "%s/cert.pem", p->dir);
    snprintf(p->key, sizeof p->key, "%s/key.pem", p->dir);
    assert_int_equal(tls_self_made(p->dir, names, UNIT_COUNT(names), &f), ERR_OK);
}

static inline void peer_certificate_remove(struct peer_certificate *p)
{
    unlink(p->ca);
    unlink(p->cert);
    unlink(p->key);
    assert_int_equal(rmdir(p->dir), 0);
}
