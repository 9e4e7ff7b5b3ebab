#include "net/conn.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "net/wire.h"

#include <stdio.h>

#define CONN_HANDSHAKE_MS 30000
#define CONN_DRAIN_MS 1000             /* how long the peer may take to close after our end */
#define CONN_TURN_BYTES (1u << 20)     /* written to one peer before others have their turn */
#define CONN_OUTPUT_BYTES (64ul << 20) /* no producer that asks conn_has_room comes near */

enum conn_phase {
    CONN_OPEN,
    CONN_HANDSHAKE,
    CONN_CLOSING, /* the waiting output is leaving, input is forgotten */
    CONN_DRAINING, /* it has left, and our end is shut; closing now could reset the connection under it */
    CONN_DEAD /* `closed` is next */
};

/* The functions of the header only take note; conn_settle does what is to be done at the end of the turn, and conn_work calls
 * the owner in the next one. */
struct conn {
    struct loop *loop;
    const struct conn_events *ev;
    void *owner;
    struct wire wire;
    struct loop_watch watch;
    struct loop_later settle, work;
    struct loop_timer deadline;
    struct loop_timer hold; /* our own patience: handshake, closing, a peer that has sent its end */
    enum conn_phase phase;
    const char *why; /* of CONN_DEAD */

    struct buf in, out; /* from in_at and out_at on */
    size_t in_at, out_at;
    uint64_t bytes_in;
    size_t offered, used; /* in the present call of `bytes`; offered is 0 outside */
    unsigned read_on;     /* what has to be ready before more can be read */
    unsigned write_on;    /* the same for writing, 0 if nobody knows: try */
    struct tls *tls_next; /* STARTTLS: when the output has left */
    char *tls_text;
    bool ended; /* the peer has sent its end */
    bool paused, again, resumed, room_wanted, room_due;

    struct loop *move_to;
    void (*moved)(void *owner);
    bool move_deadline, move_hold; /* these timers were set when it left */
    struct post_note note;

    struct span peer, local;
    char texts[];
};

static bool conn_live(const struct conn *c)
{
    return c->phase == CONN_OPEN && !c->move_to;
}

static size_t conn_unread(const struct conn *c)
{
    return c->in.n - c->in_at;
}

static void conn_touch(struct conn *c)
{
    if (c->phase != CONN_DEAD)
        loop_at_end(c->loop, &c->settle);
}

static void conn_fail(struct conn *c, const char *why)
{
    if (c->phase == CONN_DEAD)
        return;
    c->phase = CONN_DEAD;
    c->why = why;
    loop_watch_end(&c->watch);
    loop_timer_clear(c->loop, &c->deadline);
    loop_timer_clear(c->loop, &c->hold);
    loop_at_end_not(&c->settle);
    loop_at_end_not(&c->work);
    loop_next_turn(c->loop, &c->work);
}

static void conn_free(struct loop_later *later)
{
    struct conn *c = list_entry(later, struct conn, settle);
    mem_free(c);
}

static void conn_end(struct conn *c)
{
    wire_fini(&c->wire);
    buf_fini(&c->in);
    buf_fini(&c->out);
    c->ev->closed(c->owner, c->why);
    mem_free(c->tls_text);
    loop_at_end_not(&c->settle);
    loop_at_end_not(&c->work);
    loop_later_init(&c->settle, conn_free);
    loop_at_end(c->loop, &c->settle);
}

/* --- input --- */

/* The owner has not looked at all that is there. Behind the line that ends the compression other bytes may stand than before it: none
 * are uncompressed ahead. */
static bool conn_behind(const struct conn *c)
{
    return conn_unread(c) > 0 && (c->again || c->resumed || c->room_wanted || c->room_due);
}

static bool conn_may_read(const struct conn *c)
{
    return conn_live(c) && !(c->wire.unpacks && conn_behind(c)) && !c->ended && !c->paused &&
           !c->tls_next && conn_unread(c) < c->in.max_bytes;
}

static size_t conn_offer(struct conn *c, struct span in)
{
    c->again = c->resumed = false;
    c->offered = in.n;
    c->used = 0;
    size_t used = c->ev->bytes(c->owner, in);
    must(used <= in.n);
    c->offered = 0;
    if (c->tls_next && used < in.n)
        conn_fail(c, "input before TLS");
    return used;
}

static void conn_offer_kept(struct conn *c)
{
    c->in_at += conn_offer(c, span_from(buf_span(&c->in), c->in_at));
    if (c->in_at == c->in.n) {
        buf_trim(&c->in);
        c->in_at = 0;
    }
}

/* got bytes have come into the scratch buffer. What the owner leaves is copied, so an idle connection keeps nothing. */
static void conn_got(struct conn *c, struct span got)
{
    c->bytes_in += got.n;
    if (conn_unread(c) == 0) {
        got = span_from(got, conn_offer(c, got));
        must(buf_add(&c->in, got));
        return;
    }
    buf_eat(&c->in, c->in_at);
    c->in_at = 0;
    must(buf_add(&c->in, got)); /* conn_read asked for no more than there is room for */
    conn_offer_kept(c);
}

static void conn_read(struct conn *c)
{
    size_t got, room = c->in.max_bytes - conn_unread(c);
    char *p = loop_scratch(c->loop);
    enum wire_is is =
        wire_read(&c->wire, p, room < LOOP_SCRATCH_BYTES ? room : LOOP_SCRATCH_BYTES, &got);
    c->read_on = is == WIRE_WANTS_WRITE ? LOOP_WRITE : LOOP_READ;
    if (got > 0)
        conn_got(c, span_of(p, got));
    if (is == WIRE_BROKEN) {
        conn_fail(c, c->wire.why);
    } else if (is == WIRE_END) {
        c->ended = true; /* a peer that only shut its side still gets its replies, for a while */
        if (c->phase == CONN_OPEN)
            loop_timer_set(c->loop, &c->hold, CONN_LINGER_MS);
    }
}

static void conn_discard(struct conn *c)
{
    switch (wire_discard(&c->wire, loop_scratch(c->loop), LOOP_SCRATCH_BYTES)) {
    case WIRE_END:
        c->ended = true;
        break;
    case WIRE_BROKEN:
        conn_fail(c, "closed");
        break;
    case WIRE_DONE:
    case WIRE_WANTS_READ:
    case WIRE_WANTS_WRITE:
        break;
    }
}

/* --- output --- */

size_t conn_waiting(const struct conn *c)
{
    return c->out.n - c->out_at;
}

static void conn_flush(struct conn *c)
{
    size_t left = CONN_TURN_BYTES;
    while (conn_waiting(c) > 0 && left > 0) {
        size_t took;
        struct span s = span_to(span_from(buf_span(&c->out), c->out_at), left);
        enum wire_is is = wire_write(&c->wire, s, &took);
        c->out_at += took;
        left -= took;
        if (is == WIRE_DONE && c->wire.packs && loop_slice_over(c->loop))
            break;
        if (is == WIRE_DONE)
            continue;
        if (is == WIRE_BROKEN || is == WIRE_END) {
            conn_fail(c, is == WIRE_END ? "connection reset" : c->wire.why);
            return;
        }
        c->write_on = is == WIRE_WANTS_READ ? LOOP_READ : LOOP_WRITE;
        return;
    }
    if (conn_waiting(c) > 0) {
        c->write_on = LOOP_WRITE;
    } else {
        buf_trim(&c->out);
        c->out_at = 0;
    }
}

/* --- TLS --- */

static void conn_shake_begin(struct conn *c, struct tls *tls)
{
    if (!wire_secure(&c->wire, tls)) {
        conn_fail(c, "out of memory");
        return;
    }
    c->phase = CONN_HANDSHAKE;
    c->tls_next = NULL;
    c->read_on = LOOP_READ;
    loop_timer_set(c->loop, &c->hold, CONN_HANDSHAKE_MS);
}

static void conn_shaken(struct conn *c)
{
    const char *version, *cipher;
    wire_text(&c->wire, &version, &cipher);
    size_t n = strlen(version) + 1 + strlen(cipher) + 1;
    c->tls_text = mem_alloc(n);
    snprintf(c->tls_text, n, "%s %s", version, cipher);
    loop_timer_clear(c->loop, &c->hold);
    c->phase = CONN_OPEN;
    c->read_on = LOOP_READ;
    c->ev->secured(c->owner);
}

static void conn_shake(struct conn *c)
{
    enum wire_is is = wire_handshake(&c->wire);
    switch (is) {
    case WIRE_DONE:
        conn_shaken(c);
        break;
    case WIRE_WANTS_READ:
    case WIRE_WANTS_WRITE:
        c->read_on = is == WIRE_WANTS_READ ? LOOP_READ : LOOP_WRITE;
        break;
    case WIRE_END:
        conn_fail(c, "peer closed during TLS handshake");
        break;
    case WIRE_BROKEN:
        log_event(LOG_WARN, NULL, "net.handshake", "peer=%s why=\"%s\"", LOG_SPAN(c->peer),
                  c->wire.why);
        conn_fail(c, "TLS handshake failed");
        break;
    }
}

/* --- moving --- */

static void conn_arrive(struct post_note *note)
{
    struct conn *c = list_entry(note, struct conn, note);
    uint64_t now = clock_ms();
    c->loop = c->move_to;
    c->move_to = NULL;
    if (c->move_deadline)
        loop_timer_set(c->loop, &c->deadline,
                       c->deadline.due_ms > now ? c->deadline.due_ms - now : 0);
    if (c->move_hold)
        loop_timer_set(c->loop, &c->hold, c->hold.due_ms > now ? c->hold.due_ms - now : 0);
    c->resumed = conn_unread(c) > 0;
    c->moved(c->owner);
    conn_touch(c);
}

/* The last that this loop does with c. */
static void conn_leave(struct conn *c)
{
    loop_watch_end(&c->watch);
    c->move_deadline = c->deadline.heap_at != 0;
    c->move_hold = c->hold.heap_at != 0;
    loop_timer_clear(c->loop, &c->deadline);
    loop_timer_clear(c->loop, &c->hold);
    loop_at_end_not(&c->work);
    c->note.run = conn_arrive;
    post_send(loop_post(c->move_to), &c->note);
}

/* --- the end of a turn, and the next one --- */

static void conn_drain_begin(struct conn *c)
{
    c->phase = CONN_DRAINING;
    wire_bye(&c->wire);
    loop_timer_set(c->loop, &c->hold, CONN_DRAIN_MS);
}

static bool conn_has_work(const struct conn *c)
{
    return conn_live(c) &&
           (c->room_due || ((c->again || c->resumed) && !c->paused && !c->tls_next) ||
            (wire_pending(&c->wire) && conn_may_read(c)));
}

/* The peer has sent its end, and nothing is left that it could be waiting for. */
static bool conn_over(const struct conn *c)
{
    if (!c->ended || conn_waiting(c) > 0)
        return false;
    return c->phase != CONN_OPEN || (!c->paused && !c->room_wanted && !conn_has_work(c));
}

static void conn_watch(struct conn *c)
{
    unsigned what = c->write_on;
    if (c->phase == CONN_HANDSHAKE || conn_may_read(c))
        what |= c->read_on;
    if ((c->phase == CONN_CLOSING || c->phase == CONN_DRAINING) && !c->ended)
        what |= LOOP_READ;
    if (!loop_watch_set(c->loop, &c->watch, c->wire.fd, what))
        conn_fail(c, "out of memory");
}

/* Writes what waits, and begins what had to wait for that. */
static void conn_push(struct conn *c)
{
    if ((c->phase == CONN_OPEN || c->phase == CONN_CLOSING) && conn_waiting(c) > 0 && !c->write_on)
        conn_flush(c);
    if (conn_waiting(c) > 0)
        return;
    if (c->phase == CONN_CLOSING)
        conn_drain_begin(c);
    else if (c->phase == CONN_OPEN && c->tls_next)
        conn_shake_begin(c, c->tls_next);
}

static void conn_settle(struct loop_later *later)
{
    struct conn *c = list_entry(later, struct conn, settle);
    conn_push(c);
    if (c->phase == CONN_DEAD)
        return;
    if (c->move_to && (c->phase == CONN_OPEN || c->phase == CONN_HANDSHAKE)) {
        conn_leave(c);
        return;
    }
    if (c->room_wanted && conn_waiting(c) < CONN_LOW_BYTES) {
        c->room_wanted = false;
        c->room_due = true;
    }
    if (conn_has_work(c))
        loop_next_turn(c->loop, &c->work);
    if (conn_over(c))
        conn_fail(c, c->phase == CONN_OPEN ? "peer closed" : "closed");
    else
        conn_watch(c);
}

static void conn_work(struct loop_later *later)
{
    struct conn *c = list_entry(later, struct conn, work);
    if (c->phase == CONN_DEAD) {
        conn_end(c);
        return;
    }
    if (c->room_due && conn_live(c)) {
        c->room_due = false;
        c->ev->room(c->owner);
    }
    if ((c->again || c->resumed) && conn_live(c) && !c->paused && !c->tls_next)
        conn_offer_kept(c);
    if (wire_pending(&c->wire) && conn_may_read(c))
        conn_read(c);
    conn_touch(c);
}

static void conn_ready(struct loop_watch *w, unsigned ready)
{
    struct conn *c = list_entry(w, struct conn, watch);
    if (ready & c->write_on)
        c->write_on = 0;
    if (c->phase == CONN_HANDSHAKE)
        conn_shake(c);
    else if (c->phase == CONN_OPEN && (ready & c->read_on) && conn_may_read(c))
        conn_read(c);
    else if (c->phase != CONN_OPEN && (ready & LOOP_READ))
        conn_discard(c);
    conn_touch(c);
}

static void conn_on_deadline(struct loop_timer *t)
{
    struct conn *c = list_entry(t, struct conn, deadline);
    if (c->phase == CONN_OPEN || c->phase == CONN_HANDSHAKE)
        c->ev->late(c->owner);
    conn_touch(c);
}

static void conn_on_hold(struct loop_timer *t)
{
    struct conn *c = list_entry(t, struct conn, hold);
    static const char *const why[] = {
        [CONN_OPEN] = "peer closed",
        [CONN_HANDSHAKE] = "TLS handshake took too long",
        [CONN_CLOSING] = "peer does not read",
        [CONN_DRAINING] = "closed",
    };
    conn_fail(c, why[c->phase]);
}

/* --- the header --- */

struct conn *conn_new(struct loop *l, int fd, struct tls *tls, struct span peer, struct span local,
                      size_t input_bytes, const struct conn_events *ev, void *owner)
{
    struct conn *c = mem_zalloc(sizeof *c + peer.n + local.n);
    c->loop = l;
    c->ev = ev;
    c->owner = owner;
    c->read_on = LOOP_READ;
    wire_init(&c->wire, fd);
    loop_watch_init(&c->watch, conn_ready);
    loop_later_init(&c->settle, conn_settle);
    loop_later_init(&c->work, conn_work);
    loop_timer_init(&c->deadline, conn_on_deadline);
    loop_timer_init(&c->hold, conn_on_hold);
    buf_init(&c->in, input_bytes);
    buf_init(&c->out, CONN_OUTPUT_BYTES);
    if (peer.n)
        memcpy(c->texts, peer.p, peer.n);
    if (local.n)
        memcpy(c->texts + peer.n, local.p, local.n);
    c->peer = span_of(c->texts, peer.n);
    c->local = span_of(c->texts + peer.n, local.n);
    if (tls)
        conn_shake_begin(c, tls);
    conn_touch(c);
    return c;
}

void conn_send(struct conn *c, struct span s)
{
    if (c->phase != CONN_OPEN && c->phase != CONN_HANDSHAKE)
        return;
    if (c->out_at > 0 && c->out_at >= c->out.n / 2) { /* seldom enough to cost nothing */
        buf_eat(&c->out, c->out_at);
        c->out_at = 0;
    }
    if (!buf_add(&c->out, s))
        conn_fail(c, "too much output waits");
    conn_touch(c);
}

bool conn_has_room(const struct conn *c)
{
    return conn_waiting(c) < CONN_HIGH_BYTES;
}

void conn_want_room(struct conn *c)
{
    c->room_wanted = true;
    conn_touch(c);
}

void conn_pause(struct conn *c)
{
    c->paused = true;
    conn_touch(c);
}

void conn_resume(struct conn *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    c->resumed = conn_unread(c) > 0 || c->offered > 0;
    conn_touch(c);
}

void conn_again(struct conn *c)
{
    c->again = true;
    conn_touch(c);
}

void conn_deadline(struct conn *c, uint64_t ms)
{
    if (c->phase == CONN_DEAD)
        return;
    if (ms)
        loop_timer_set(c->loop, &c->deadline, ms);
    else
        loop_timer_clear(c->loop, &c->deadline);
}

void conn_used(struct conn *c, size_t n)
{
    must(n <= c->offered);
    c->used = n;
}

/* Input waits behind what is being used up now. */
static bool conn_injected(const struct conn *c)
{
    return c->offered ? c->used && c->used < c->offered : conn_unread(c) > 0;
}

bool conn_compress(struct conn *c, struct span last)
{
    if (!conn_live(c) || conn_injected(c) || !wire_compress(&c->wire, conn_waiting(c) + last.n))
        return false;
    conn_send(c, last);
    return true;
}

bool conn_uncompress(struct conn *c, struct span last)
{
    if (conn_is_compressed(c) && !wire_uncompress(&c->wire, conn_waiting(c) + last.n))
        return false;
    conn_send(c, last);
    return true;
}

bool conn_is_compressed(const struct conn *c)
{
    return c->wire.packs || c->wire.unpacks;
}

bool conn_starttls(struct conn *c, struct tls *tls)
{
    if (conn_injected(c) || !conn_live(c) || c->wire.ssl || c->tls_next)
        return false;
    c->tls_next = tls;
    conn_touch(c);
    return true;
}

bool conn_is_tls(const struct conn *c)
{
    return c->tls_text != NULL;
}

const struct ssl_st *conn_tls(const struct conn *c)
{
    return c->tls_text ? c->wire.ssl : NULL;
}

struct span conn_tls_text(const struct conn *c)
{
    return span_cstr(c->tls_text);
}

void conn_close(struct conn *c)
{
    if (c->phase == CONN_HANDSHAKE)
        conn_fail(c, "closed"); /* nothing can be said before TLS stands */
    if (c->phase != CONN_OPEN)
        return;
    c->phase = CONN_CLOSING;
    c->tls_next = NULL;
    loop_timer_set(c->loop, &c->hold, CONN_LINGER_MS);
    conn_touch(c);
}

void conn_drop(struct conn *c, const char *why)
{
    conn_fail(c, why);
}

void conn_move(struct conn *c, struct loop *to, void (*moved)(void *owner))
{
    c->move_to = to;
    c->moved = moved;
    conn_touch(c);
}

struct loop *conn_loop(const struct conn *c)
{
    return c->loop;
}

struct span conn_peer(const struct conn *c)
{
    return c->peer;
}

struct span conn_peer_ip(const struct conn *c)
{
    struct span s = c->peer;
    while (s.n > 0 && s.p[s.n - 1] != ':')
        s.n--;
    s.n -= s.n > 0;
    if (s.n >= 2 && s.p[0] == '[')
        s = span_of(s.p + 1, s.n - 2);
    return s;
}

struct span conn_local(const struct conn *c)
{
    return c->local;
}

bool conn_peer_loopback(const struct conn *c)
{
    struct span ip = conn_peer_ip(c);
    return span_starts_ci(ip, SPAN("127.")) || span_starts_ci(ip, SPAN("::ffff:127.")) ||
           span_eq(ip, SPAN("::1"));
}

uint64_t conn_bytes_in(const struct conn *c)
{
    return c->bytes_in;
}
