#include "imapd/imapd.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "imapd/imap_session.h"
#include "imapd/imapd_home.h"

#include <stdatomic.h>
#include <unistd.h>

struct imapd {
    struct imapd_options options;
    struct imapd_home *homes; /* one a loop, in their order */
    struct list_node doors;
    atomic_uint sessions;
    atomic_uint holds; /* the owner, each session, each letter to a loop: the last one frees */
    atomic_bool stopping, cutting;
};

const struct imapd_limits imapd_limits_default = {
    .line_bytes = 64u << 10,
    .line_preauth_bytes = 8u << 10,
    .literal_bytes = 64u << 10,
    .command_bytes = 256u << 10,
    .message_bytes = 50u << 20,
    .append_count = 2000,
    .unauthenticate = 1,
    .headers_8bit = 1,
    .depth_count = 32,
    .bad_count = 20,
    .session_count = 20000,
    .ip_count = 100,
    .user_count = 100,
    .handshake_ms = 30000,
    .preauth_ms = 60000,
    .idle_ms = 30 * 60000,
    .stuck_ms = 5 * 60000,
    .still_here_ms = 4 * 60000,
    .turn_count = 32,
};

static void imapd_drop(struct imapd *s)
{
    if (atomic_fetch_sub(&s->holds, 1) > 1)
        return;
    for (unsigned i = 0; i < s->options.loop_count; i++)
        imapd_home_fini(&s->homes[i]);
    list_each (n, &s->doors)
        mem_free(list_entry(n, struct imapd_door, node));
    mem_free(s->homes);
    mem_free(s);
}

static void imapd_stop_home(struct post_note *note)
{
    struct imapd_home *h = list_entry(note, struct imapd_home, stop);
    list_each (n, &h->sessions)
        imap_session_shut(list_entry(n, struct imap_session, node), IMAP_SESSION_STOPS);
    imapd_drop(h->service);
}

static void imapd_cut_home(struct post_note *note)
{
    struct imapd_home *h = list_entry(note, struct imapd_home, cut);
    list_each (n, &h->sessions) {
        struct conn *conn = list_entry(n, struct imap_session, node)->conn;
        if (conn)
            conn_drop(conn, "stopping");
    }
    imapd_drop(h->service);
}

struct imapd *imapd_new(const struct imapd_options *o)
{
    must(o->loop_count > 0);
    struct imapd *s = mem_new(struct imapd);
    s->options = *o;
    atomic_init(&s->holds, 1);
    list_init(&s->doors);
    s->homes = mem_zalloc(o->loop_count * sizeof *s->homes);
    for (unsigned i = 0; i < o->loop_count; i++) {
        imapd_home_init(&s->homes[i], s, o->loops[i]);
        s->homes[i].stop.run = imapd_stop_home;
        s->homes[i].cut.run = imapd_cut_home;
    }
    return s;
}

/* Too many sessions: one line, where it can be said, and the end. */
static void imapd_refuse(const struct imapd *s, int fd, struct span peer)
{
    static const char busy[] = "* BYE [UNAVAILABLE] Too many connections, try again later\r\n";
    if (!s->options.tls_from_start && write(fd, busy, sizeof busy - 1) < 0)
        log_event(LOG_DEBUG, NULL, "imap.gone", "peer=%s", LOG_SPAN(peer));
    log_event(LOG_WARN, NULL, "imap.full", "peer=%s sessions=%u", LOG_SPAN(peer),
              atomic_load(&s->sessions));
    close(fd);
}

static void imapd_accept(void *owner, struct loop *l, int fd, struct span peer, struct span local)
{
    struct imapd_door *door = owner;
    struct imapd *s = door->service;
    atomic_fetch_add(&s->holds, 1);
    if (atomic_fetch_add(&s->sessions, 1) >= s->options.limits.session_count) {
        imapd_refuse(s, fd, peer);
        imapd_left(door, peer);
        imapd_gone(s);
        return;
    }
    imap_session_new(door, l, fd, peer, local);
}

void imapd_listen(struct imapd *s, struct listen *ln, struct loop *acceptor)
{
    struct imapd_door *door = mem_new(struct imapd_door);
    door->service = s;
    door->listen = ln;
    list_init(&door->node);
    list_add(&s->doors, &door->node);
    struct span busy = s->options.tls_from_start
                           ? SPAN("")
                           : SPAN("* BYE [LIMIT] Too many connections from this address\r\n");
    listen_start(ln, acceptor, s->options.loops, s->options.loop_count, s->options.limits.ip_count,
                 busy, imapd_accept, door);
}

void imapd_stop(struct imapd *s)
{
    if (atomic_exchange(&s->stopping, true))
        return;
    atomic_fetch_add(&s->holds, s->options.loop_count);
    for (unsigned i = 0; i < s->options.loop_count; i++)
        post_send(loop_post(s->homes[i].loop), &s->homes[i].stop);
}

void imapd_cut(struct imapd *s)
{
    if (atomic_exchange(&s->cutting, true))
        return;
    atomic_fetch_add(&s->holds, s->options.loop_count);
    for (unsigned i = 0; i < s->options.loop_count; i++)
        post_send(loop_post(s->homes[i].loop), &s->homes[i].cut);
}

unsigned imapd_sessions(const struct imapd *s)
{
    return atomic_load(&s->holds) - 1; /* all but the owner's */
}

void imapd_free(struct imapd **s)
{
    if (*s)
        imapd_drop(*s);
    *s = NULL;
}

/* --- for sessions --- */

struct imapd_home *imapd_of_loop(struct imapd *s, const struct loop *loop)
{
    for (unsigned i = 0; i < s->options.loop_count; i++) {
        if (s->options.loops[i] == loop)
            return &s->homes[i];
    }
    must(!"a loop that is not the service's");
    return NULL;
}

const struct imapd_options *imapd_options(const struct imapd *s)
{
    return &s->options;
}

bool imapd_stopping(const struct imapd *s)
{
    return atomic_load(&s->stopping);
}

bool imapd_cutting(const struct imapd *s)
{
    return atomic_load(&s->cutting);
}

void imapd_left(struct imapd_door *door, struct span peer)
{
    listen_gone(door->listen, peer);
}

void imapd_gone(struct imapd *s)
{
    atomic_fetch_sub(&s->sessions, 1);
    imapd_drop(s);
}
