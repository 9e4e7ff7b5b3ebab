#include "smtpd/smtpd.h"

#include "common/mem.h"
#include "common/must.h"
#include "smtpd/smtp_session.h"

#include <stdatomic.h>
#include <stdio.h>

const struct smtpd_limits smtpd_limits_default = {
    .line_bytes = 2048,
    .error_count = 20,
    .auth_count = 3,
    .junk_count = 100,
    .session_count = 4000,
    .ip_count = 50,
    .handshake_ms = 30000,
    .command_ms = 300000,
    .data_bytes_per_s = 500,
    .transaction_ms = 3600000,
    .turn_count = 32,
};

/* A listening socket of the service. */
struct smtpd_door {
    struct list_node node;
    struct smtpd *service;
    struct listen *listen;
};

struct smtpd {
    struct smtpd_options options;
    struct list_node doors;
    struct smtpd_seat **seats; /* one for each loop */
    unsigned seat_count;
    atomic_uint sessions;
    atomic_uint notes; /* of smtpd_stop and smtpd_cut, under way */
    atomic_bool stopping, cutting;
};

struct smtpd *smtpd_new(const struct smtpd_options *o)
{
    struct smtpd *s = mem_new(struct smtpd);
    s->options = *o;
    list_init(&s->doors);
    return s;
}

/* --- seats --- */

static struct smtpd_seat *smtpd_seat(const struct smtpd *s, const struct loop *l)
{
    for (unsigned i = 0; i < s->seat_count; i++)
        if (s->seats[i]->loop == l)
            return s->seats[i];
    return NULL;
}

static void smtpd_seat_end(struct smtpd_seat *seat)
{
    list_each (node, &seat->sessions)
        smtp_session_stop(list_entry(node, struct smtp_session, node));
}

static void smtpd_seat_stop(struct post_note *note)
{
    struct smtpd_seat *seat = list_entry(note, struct smtpd_seat, stop);
    smtpd_seat_end(seat);
    atomic_fetch_sub(&seat->service->notes, 1);
}

static void smtpd_seat_cut(struct post_note *note)
{
    struct smtpd_seat *seat = list_entry(note, struct smtpd_seat, cut);
    list_each (node, &seat->sessions)
        conn_drop(list_entry(node, struct smtp_session, node)->conn, "stopping");
    atomic_fetch_sub(&seat->service->notes, 1);
}

static void smtpd_seat_add(struct smtpd *s, struct loop *l)
{
    if (smtpd_seat(s, l))
        return;
    struct smtpd_seat *seat = mem_new(struct smtpd_seat);
    seat->service = s;
    seat->loop = l;
    seat->scratch = arena_new();
    seat->stop.run = smtpd_seat_stop;
    seat->cut.run = smtpd_seat_cut;
    list_init(&seat->sessions);
    s->seats = mem_grow(s->seats, (s->seat_count + 1) * sizeof(struct smtpd_seat *));
    s->seats[s->seat_count++] = seat;
}

void smtpd_left(struct smtpd_seat *seat)
{
    atomic_fetch_sub(&seat->service->sessions, 1);
}

/* --- doors --- */

static void smtpd_come(void *owner, struct loop *l, int fd, struct span peer, struct span local)
{
    struct smtpd_door *door = owner;
    struct smtpd *s = door->service;
    struct smtpd_seat *seat = smtpd_seat(s, l);
    must(seat);
    bool full = atomic_fetch_add(&s->sessions, 1) >= s->options.limits.session_count;
    smtp_session_open(seat, door->listen, &s->options, fd, peer, local, full);
    if (atomic_load(&s->stopping))
        smtpd_seat_end(seat);
}

void smtpd_listen(struct smtpd *s, struct listen *ln, struct loop *acceptor, struct loop **loops,
                  unsigned n)
{
    struct smtpd_door *door = mem_new(struct smtpd_door);
    struct span busy = SPAN("421 4.7.0 too many connections from your address\r\n");
    door->service = s;
    door->listen = ln;
    list_init(&door->node);
    list_add(&s->doors, &door->node);
    for (unsigned i = 0; i < n; i++)
        smtpd_seat_add(s, loops[i]);
    if (s->options.tls_from_start)
        busy = span_to(busy, 0); /* in the clear it would mean nothing */
    listen_start(ln, acceptor, loops, n, s->options.limits.ip_count, busy, smtpd_come, door);
}

void smtpd_stop(struct smtpd *s)
{
    if (atomic_exchange(&s->stopping, true))
        return;
    atomic_fetch_add(&s->notes, s->seat_count);
    for (unsigned i = 0; i < s->seat_count; i++)
        post_send(loop_post(s->seats[i]->loop), &s->seats[i]->stop);
}

void smtpd_cut(struct smtpd *s)
{
    if (atomic_exchange(&s->cutting, true))
        return;
    atomic_fetch_add(&s->notes, s->seat_count);
    for (unsigned i = 0; i < s->seat_count; i++)
        post_send(loop_post(s->seats[i]->loop), &s->seats[i]->cut);
}

unsigned smtpd_sessions(const struct smtpd *s)
{
    return atomic_load(&s->sessions) + atomic_load(&s->notes);
}

void smtpd_free(struct smtpd **service)
{
    struct smtpd *s = *service;
    if (!s)
        return;
    must(smtpd_sessions(s) == 0);
    list_each (node, &s->doors)
        mem_free(list_entry(node, struct smtpd_door, node));
    for (unsigned i = 0; i < s->seat_count; i++) {
        arena_free(&s->seats[i]->scratch);
        mem_free(s->seats[i]);
    }
    mem_free(s->seats);
    mem_free(s);
    *service = NULL;
}
