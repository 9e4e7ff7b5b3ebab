#include "net/conn.h"

#include "tests/unit/net/peer.h"

#include "common/log.h"
#include "common/must.h"

#include <event2/event.h>

/* Every allocation that libevent and OpenSSL make on a loop's thread fails in its turn: a connection may end by it, nothing
 * else may. */

static _Thread_local unsigned long fail_at; /* 1: the next one; 0: none */
static _Thread_local bool fail_on;          /* and all after it */
static _Thread_local bool failed;

static bool fails_now(void)
{
    if (fail_at == 0 || --fail_at > 0)
        return false;
    fail_at = fail_on;
    failed = true;
    return true;
}

static void *try_new(size_t n)
{
    return fails_now() ? NULL : malloc(n);
}
static void *try_grow(void *p, size_t n)
{
    return fails_now() ? NULL : realloc(p, n);
}
static void *crypto_new(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? try_new(n) : NULL;
}
static void *crypto_grow(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return try_grow(p, n);
}
static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

struct plan {
    unsigned long nth;
    bool on, hit;
};

static void plan_begin_here(void *arg)
{
    const struct plan *p = arg;
    fail_at = p->nth;
    fail_on = p->on;
    failed = false;
}

static void plan_end_here(void *arg)
{
    struct plan *p = arg;
    fail_at = 0;
    p->hit |= failed;
}

/* --- a session that says hello, echoes, moves once, and ends when the peer does --- */

static struct peer_loop two[2];
static struct peer_certificate certificate;
static struct tls *tls;

struct session {
    struct conn *conn;
    int fd;
    bool implicit;
    struct peer_diary diary;
};

static void session_moved(void *owner)
{
    struct session *s = owner;
    conn_send(s->conn, SPAN("moved\n"));
}

static size_t session_bytes(void *owner, struct span in)
{
    struct session *s = owner;
    conn_send(s->conn, in);
    if (in.n == 1)
        conn_move(s->conn, two[1].loop, session_moved);
    return in.n;
}

static void session_other(void *owner)
{
    (void)owner;
}

static void session_closed(void *owner, const char *why)
{
    struct session *s = owner;
    peer_note(&s->diary, why);
    peer_note(&s->diary, "ended");
}

static const struct conn_events session_events = {session_bytes, session_other, session_other,
                                                  session_other, session_closed};

static void session_open_here(void *arg)
{
    struct session *s = arg;
    s->conn = conn_new(two[0].loop, s->fd, s->implicit ? tls : NULL, SPAN("127.0.0.1:1"),
                       SPAN("127.0.0.1:2"), 4096, &session_events, s);
    conn_send(s->conn, SPAN("hello\n"));
}

/* The client's part, given up at the first thing that does not work. */
static void talk(int fd, bool with_tls)
{
    char got[64];
    if (!with_tls) {
        (void)!(recv(fd, got, sizeof got, 0) > 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
                recv(fd, got, 1, MSG_WAITALL) == 1 && recv(fd, got, 6, MSG_WAITALL) == 6 &&
                send(fd, "yz", 2, MSG_NOSIGNAL) == 2 && recv(fd, got, 2, MSG_WAITALL) == 2);
        return;
    }
    SSL *ssl = peer_tls(fd, NULL, NULL);
    (void)!(SSL_do_handshake(ssl) == 1 && SSL_read(ssl, got, sizeof got) > 0 &&
            SSL_write(ssl, "x", 1) == 1 && SSL_read(ssl, got, 1) > 0 && SSL_read(ssl, got, 6) > 0 &&
            SSL_write(ssl, "yz", 2) == 2 && SSL_read(ssl, got, 2) > 0);
    SSL_free(ssl);
    ERR_clear_error();
}

static bool one_round(bool with_tls, unsigned long nth, bool on)
{
    struct session s = {.implicit = with_tls};
    struct plan plan = {.nth = nth, .on = on};
    int ends[2];
    peer_pair(ends);
    s.fd = ends[1];
    peer_diary_init(&s.diary);
    for (int i = 0; i < 2; i++)
        peer_on(two[i].loop, plan_begin_here, &plan);
    peer_on(two[0].loop, session_open_here, &s);
    talk(ends[0], with_tls);
    close(ends[0]);
    peer_await(&s.diary, "ended", 1);
    for (int i = 0; i < 2; i++)
        peer_on(two[i].loop, plan_end_here, &plan);
    assert_int_equal(peer_noted(&s.diary, "ended"), 1);
    peer_diary_fini(&s.diary);
    return plan.hit;
}

static void conn_survives(void **state)
{
    bool with_tls = *state != NULL;
    unsigned long most[2] = {0, 0};
    for (int on = 0; on < 2; on++) {
        unsigned long n = 1;
        while (one_round(with_tls, n, on))
            n += on ? 7 : 1;
        most[on] = n - 1;
    }
    print_message("%lu allocations failed\n", most[0]);
    assert_true(most[0] > 0 && most[1] > 0);
}

static int with_tls(void **state)
{
    *state = tls;
    return 0;
}

static int group_begin(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    log_level(LOG_ERROR);
    peer_loop_start(&two[0]);
    peer_loop_start(&two[1]);
    peer_certificate_make(&certificate);
    return tls_open(certificate.cert, certificate.key, &tls, NULL) == ERR_OK ? 0 : -1;
}

static int group_end(void **state)
{
    (void)state;
    peer_loop_end(&two[0]);
    peer_loop_end(&two[1]);
    tls_close(&tls);
    peer_certificate_remove(&certificate);
    return 0;
}

int main(void)
{
    event_set_mem_functions(try_new, try_grow, free);
    if (!CRYPTO_set_mem_functions(crypto_new, crypto_grow, crypto_free))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conn_survives),
        cmocka_unit_test_setup(conn_survives, with_tls),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
