#pragma once /* tests/unit/imapd/fake.h: a session on a connection that is only paper: what goes in is given, what comes out is kept */
#include "common/log.h"
#include "common/mem.h"
#include "net/conn.h"
#include "auth/auth_state.h"
#include "imapd/imap_session.h"
#include "imapd/imapd_home.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* These stand in for net/conn.c; each test is a program of its own. */
struct conn {
    const struct conn_events *ev;
    void *owner;
    struct loop *loop;
    struct buf in, out;
    bool again, paused, closed, dropped, tls, starttls;
    uint64_t deadline_ms;
};
static struct conn fake;
static struct loop *fake_loop;
static struct imapd *fake_service;
static struct imapd_door fake_door;
static struct imapd_options fake_options;
static struct auth fake_auth = {
    .files = PTHREAD_RWLOCK_INITIALIZER}; /* the greeting asks what it offers */

struct conn *conn_new(struct loop *l, int fd, struct tls *tls, struct span peer, struct span local,
                      size_t input_bytes, const struct conn_events *ev, void *owner)
{
    (void)fd, (void)tls, (void)peer, (void)local, (void)input_bytes;
    fake = (struct conn){.ev = ev, .owner = owner, .loop = l};
    buf_init(&fake.in, 16u << 20);
    buf_init(&fake.out, 16u << 20);
    return &fake;
}
void conn_send(struct conn *c, struct span s)
{
    if (!c->closed && !c->dropped)
        buf_add(&c->out, s);
}
size_t conn_waiting(const struct conn *c)
{
    (void)c;
    return 0;
}
bool conn_has_room(const struct conn *c)
{
    (void)c;
    return true;
}
void conn_want_room(struct conn *c)
{
    (void)c;
}
void conn_pause(struct conn *c)
{
    c->paused = true;
}
void conn_resume(struct conn *c)
{
    c->paused = false;
    c->again = true;
}
void conn_again(struct conn *c)
{
    c->again = true;
}
void conn_deadline(struct conn *c, uint64_t ms)
{
    c->deadline_ms = ms;
}
bool conn_starttls(struct conn *c, struct tls *tls)
{
    (void)tls;
    c->starttls = true;
    return true;
}
bool conn_compress(struct conn *c, struct span last)
{
    conn_send(c, last);
    return true;
}
bool conn_uncompress(struct conn *c, struct span last)
{
    conn_send(c, last);
    return true;
}
bool conn_is_compressed(const struct conn *c)
{
    (void)c;
    return false;
}
void conn_used(struct conn *c, size_t n)
{
    (void)c, (void)n;
}
bool conn_is_tls(const struct conn *c)
{
    return c->tls;
}
const struct ssl_st *conn_tls(const struct conn *c)
{
    (void)c;
    return NULL;
}
struct span conn_tls_text(const struct conn *c)
{
    (void)c;
    return SPAN("");
}
void conn_close(struct conn *c)
{
    c->closed = true;
}
void conn_drop(struct conn *c, const char *why)
{
    (void)why;
    c->dropped = true;
}
void conn_move(struct conn *c, struct loop *to, void (*moved)(void *owner))
{
    c->loop = to;
    moved(c->owner);
}
struct loop *conn_loop(const struct conn *c)
{
    return c->loop;
}
struct span conn_peer(const struct conn *c)
{
    (void)c;
    return SPAN("192.0.2.1:4711");
}
struct span conn_peer_ip(const struct conn *c)
{
    (void)c;
    return SPAN("192.0.2.1");
}
struct span conn_local(const struct conn *c)
{
    (void)c;
    return SPAN("192.0.2.2:143");
}
bool conn_peer_loopback(const struct conn *c)
{
    (void)c;
    return false;
}
uint64_t conn_bytes_in(const struct conn *c)
{
    (void)c;
    return 0;
}
void listen_gone(struct listen *ln, struct span peer)
{
    (void)ln, (void)peer;
}
void listen_start(struct listen *ln, struct loop *acceptor, struct loop **loops, unsigned n,
                  unsigned per_ip_count, struct span busy, listen_fn *fn, void *owner)
{
    (void)ln, (void)acceptor, (void)loops, (void)n, (void)per_ip_count, (void)busy, (void)fn,
        (void)owner;
}

/* The session begins with its greeting. */
static inline struct imap_session *fake_begin(void)
{
    struct fault f = FAULT_NONE;
    log_level(LOG_ERROR);
    assert_int_equal(loop_new(&fake_loop, &f), ERR_OK);
    fake_options = (struct imapd_options){.hostname = "mx.example",
                                          .auth = &fake_auth,
                                          .loops = &fake_loop,
                                          .loop_count = 1,
                                          .limits = imapd_limits_default};
    fake_service = imapd_new(&fake_options);
    fake_door = (struct imapd_door){.service = fake_service};
    imap_session_new(&fake_door, fake_loop, -1, SPAN("192.0.2.1:4711"), SPAN("192.0.2.2:143"));
    return fake.owner;
}

static inline void fake_end(void)
{
    fake.ev->closed(fake.owner, "test");
    buf_fini(&fake.in);
    buf_fini(&fake.out);
    /* Its service is left alone: it counts sessions that listen never gave it. */
    loop_free(&fake_loop);
}

static inline void fake_offer(void)
{
    do {
        fake.again = false;
        if (fake.paused || fake.closed || fake.dropped)
            return;
        buf_eat(&fake.in, fake.ev->bytes(fake.owner, buf_span(&fake.in)));
    } while (fake.again && fake.in.n > 0);
}

/* The peer sends this, in one piece. */
static inline void fake_send(struct span s)
{
    buf_add(&fake.in, s);
    fake_offer();
}
