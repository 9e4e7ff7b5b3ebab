#include "imapd/imap_session.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "imapd/imap_idle.h"
#include "imapd/imap_input.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_notify.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

#include <inttypes.h>

#define IMAP_SESSION_INPUT_BYTES (32u << 10)
#define IMAP_SESSION_PREAUTH_BAD 3

static const struct sm_rule imap_session_rules[IMAP_STATES] = {
    [IMAP_NONAUTH] = {"not authenticated", SM_TO(IMAP_AUTH) | SM_TO(IMAP_BYE)},
    [IMAP_AUTH] = {"authenticated",
                   SM_TO(IMAP_NONAUTH) | SM_TO(IMAP_AUTH) | SM_TO(IMAP_SELECTED) | SM_TO(IMAP_BYE)},
    [IMAP_SELECTED] = {"selected", SM_TO(IMAP_NONAUTH) | SM_TO(IMAP_AUTH) | SM_TO(IMAP_BYE)},
    [IMAP_BYE] = {"logout", SM_TO(IMAP_BYE)},
};

void imap_session_enter(struct imap_session *s, enum imap_state next)
{
    if (s->state == IMAP_SELECTED) {
        imap_notify_deselect(s);
        imap_view_close(&s->view);
    }
    sm_enter(imap_session_rules, &s->state, next);
}

/* --- deadlines --- */

static uint64_t imap_session_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void imap_session_deadline(struct imap_session *s)
{
    const struct imapd_limits *l = &s->options->limits;
    uint64_t now = clock_ms();
    uint64_t due =
        s->state == IMAP_NONAUTH ? s->began_ms + l->preauth_ms : s->active_ms + l->idle_ms;
    if (s->still_ms)
        due = imap_session_sooner(due, s->still_ms);
    if (s->state != IMAP_NONAUTH)
        due = imap_session_sooner(due, s->looked_ms + l->stuck_ms);
    conn_deadline(s->conn, due > now ? due - now : 1);
}

/* Output waits, and not a byte of it left since the last look. */
static bool imap_session_stuck(struct imap_session *s, uint64_t now)
{
    if (now < s->looked_ms + s->options->limits.stuck_ms)
        return false;
    uint64_t waiting = conn_waiting(s->conn);
    uint64_t left = s->out_bytes - waiting;
    bool stuck = waiting > 0 && left == s->left_bytes;
    s->left_bytes = left;
    s->looked_ms = now;
    return stuck;
}

/* Nothing of a command is under way, or a client lets us wait for the rest of one. */
static bool imap_session_is_idle(const struct imap_session *s)
{
    return !s->running || s->idling || imap_input_ready(s);
}

static void imap_session_bye(struct imap_session *s, const char *text)
{
    imap_reply_bye(s, text);
    conn_close(s->conn);
}

static void imap_session_late(void *owner)
{
    struct imap_session *s = owner;
    const struct imapd_limits *l = &s->options->limits;
    uint64_t now = clock_ms();
    if (imap_notify_mid(s)) /* whoever is being told of a message is not idle */
        s->active_ms = now;
    if (s->state == IMAP_NONAUTH && now >= s->began_ms + l->preauth_ms) {
        imap_session_bye(s, "Too long without authentication");
    } else if (s->state != IMAP_NONAUTH && imap_session_stuck(s, now)) {
        conn_drop(s->conn, "peer does not read");
    } else if (s->state != IMAP_NONAUTH && imap_session_is_idle(s) &&
               now >= s->active_ms + l->idle_ms) {
        imap_session_bye(s, "Autologout; idle for too long");
    } else {
        if (s->still_ms && now >= s->still_ms)
            imap_idle_still(s);
        imap_session_deadline(s);
    }
}

/* --- life --- */

static void imap_session_free(struct imap_session *s)
{
    if (s->running)
        imap_cmd_end(&s->cmd);
    imap_notify_end(&s->notify);
    imap_view_close(&s->view);
    loop_at_end_not(&s->turn);
    if (s->counted)
        imapd_home_leave(s->home, s->account);
    list_drop(&s->node);
    imap_input_free(&s->input);
    arena_free(&s->cmd.arena);
    mem_free((void *)(uintptr_t)s->address.p);
    imapd_gone(s->service);
    mem_free(s);
}

static void imap_session_closed(void *owner, const char *why)
{
    struct imap_session *s = owner;
    log_event(LOG_INFO, s->id.text, "imap.closed",
              "why=\"%s\" commands=%u in=%" PRIu64 " out=%" PRIu64 " ms=%" PRIu64,
              s->bye ? s->bye : why, s->input->commands, conn_bytes_in(s->conn), s->out_bytes,
              clock_ms() - s->began_ms);
    if (!s->known)
        imapd_left(s->door, conn_peer(s->conn));
    s->conn = NULL;
    /* An operation or a look-up that is under way still writes into us: its completion is the
     * end then. */
    if (!s->waiting || s->moving || imap_session_is_idle(s))
        imap_session_free(s);
}

static void imap_session_greet(struct imap_session *s)
{
    imap_outf(s, "* OK [%s] %s mailstead ready\r\n", imap_capability_text(s), s->options->hostname);
    arena_trim(s->cmd.arena);
}

static void imap_session_secured(void *owner)
{
    struct imap_session *s = owner;
    if (s->options->tls_from_start) {
        imap_session_greet(s);
    } else {
        /* What was said in the clear is forgotten, RFC 9051 §6.2.1. */
        s->bad = 0;
        s->input->commands = 0;
    }
}

/* --- steps --- */

static void imap_session_cmd_ended(struct imap_session *s)
{
    bool held = s->waiting || s->paused;
    imap_cmd_end(&s->cmd);
    s->running = s->waiting = s->again = s->idling = false;
    s->still_ms = 0;
    s->active_ms = clock_ms();
    imap_input_next(s);
    if (s->paused && s->conn)
        conn_resume(s->conn);
    s->paused = false;
    if (held && s->conn)
        conn_again(s->conn);
    imap_session_stir(s);
}

/* While a command works its successors wait unread; a peer that has shut its side meanwhile
 * still gets its replies. */
static void imap_session_pause(struct imap_session *s)
{
    bool pause = !imap_input_ready(s);
    if (s->conn && pause && !s->paused)
        conn_pause(s->conn);
    else if (s->conn && !pause && s->paused)
        conn_resume(s->conn); /* the command that worked waits for more of itself */
    s->paused = pause && s->conn;
}

/* "* BYE" may go out now: not within a command, nor within a response. */
static bool imap_session_may_leave(const struct imap_session *s)
{
    return s->conn && (!s->running || s->idling) && !imap_notify_mid(s);
}

/* After each step: is this the end, and if not, is there memory that nobody needs while we wait
 * for the client? */
static void imap_session_settle(struct imap_session *s)
{
    if (s->shut && imap_session_may_leave(s))
        imap_reply_bye(s, s->shut);
    if (s->closing && (!s->running || s->idling) && s->conn)
        conn_close(s->conn);
    if (!s->running) {
        arena_trim(s->cmd.arena);
        imap_input_trim(s->input);
    }
}

void imap_session_run(struct imap_session *s, enum step step)
{
    switch (step) {
    case STEP_DONE:
    case STEP_CLOSE:
        s->closing |= step == STEP_CLOSE;
        imap_session_cmd_ended(s);
        break;
    case STEP_WAIT:
        s->waiting = true;
        imap_session_pause(s);
        break;
    case STEP_MORE:
        must(s->cmd.more);
        s->waiting = false;
        imap_session_pause(s);
        if (s->conn && !conn_has_room(s->conn))
            conn_want_room(s->conn);
        else
            loop_next_turn(s->loop, &s->turn);
        break;
    }
    imap_session_settle(s);
}

/* News may go out now: in IDLE, or always after NOTIFY, but not within a command. */
static bool imap_session_may_tell(const struct imap_session *s)
{
    return s->conn && (s->idling || (!s->running && imap_notify_listens(s)));
}

static bool imap_session_tell(struct imap_session *s)
{
    if (s->notify)
        return imap_notify_turn(s);
    return !s->view || imap_view_news(s->view, true, false);
}

static void imap_session_turn(struct loop_later *later)
{
    struct imap_session *s = list_entry(later, struct imap_session, turn);
    if (!s->conn) {
        imap_session_free(s);
        return;
    }
    if (s->running && s->again) {
        s->again = s->waiting = false;
        imap_session_run(s, s->cmd.more(&s->cmd));
    } else if (s->running && !s->waiting && s->cmd.more) {
        imap_session_run(s, s->cmd.more(&s->cmd));
    } else if (imap_session_may_tell(s)) {
        if (!conn_has_room(s->conn) || !imap_session_tell(s))
            conn_want_room(s->conn);
        imap_session_settle(s);
    }
}

void imap_session_resume(struct imap_session *s)
{
    s->again = true;
    loop_at_end(s->loop, &s->turn);
}

void imap_session_stir(struct imap_session *s)
{
    if (imap_session_may_tell(s))
        loop_at_end(s->loop, &s->turn);
}

static void imap_session_room(void *owner)
{
    struct imap_session *s = owner;
    if (s->running)
        loop_at_end(s->loop, &s->turn);
    else
        conn_again(s->conn);
    imap_session_stir(s);
}

void imap_session_bad(struct imap_session *s)
{
    unsigned most =
        s->state == IMAP_NONAUTH ? IMAP_SESSION_PREAUTH_BAD : s->options->limits.bad_count;
    if (++s->bad >= most)
        imap_reply_bye(s, "Too many bad commands");
}

void imap_session_shut(struct imap_session *s, const char *text)
{
    s->shut = text;
    if (imap_session_may_leave(s))
        imap_session_bye(s, text);
}

/* --- commands --- */

/* A browser that was made to talk to us (ALPACA, HTTP to a mail port) gets no answer to play
 * with. */
static bool imap_session_is_foreign(struct span text)
{
    static const char *const verbs[] = {"GET ",     "POST ",  "HEAD ",  "PUT ",  "CONNECT ",
                                        "OPTIONS ", "TRACE ", "PATCH ", "EHLO ", "HELO "};
    if (text.n > 0 && ((unsigned char)text.p[0] < 0x20 || (unsigned char)text.p[0] >= 0x7f))
        return true;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (span_starts_ci(text, span_cstr(verbs[i])))
            return true;
    }
    return false;
}

void imap_session_command(struct imap_session *s, struct span text)
{
    if (s->input->commands == 1 && s->state == IMAP_NONAUTH && imap_session_is_foreign(text)) {
        log_event(LOG_WARN, s->id.text, "imap.foreign", "peer=%s line=\"%s\"",
                  LOG_SPAN(conn_peer(s->conn)), LOG_SPAN(span_to(text, 40)));
        s->closing = true;
        conn_drop(s->conn, "not IMAP");
        return;
    }
    s->running = true;
    imap_session_run(s, imap_verbs_run(&s->cmd, text));
}

static size_t imap_session_bytes(void *owner, struct span in)
{
    struct imap_session *s = owner;
    size_t ate = 0;
    unsigned begun = s->input->commands;
    while (ate < in.n && !s->closing && imap_input_ready(s) && !imap_notify_mid(s)) {
        unsigned done = s->input->commands - begun;
        if (done >= s->options->limits.turn_count || (done > 0 && loop_slice_over(s->loop))) {
            conn_again(s->conn);
            break;
        }
        if (!conn_has_room(s->conn)) {
            conn_want_room(s->conn);
            break;
        }
        s->input->ate = ate;
        ate += s->input->expect(s, span_from(in, ate));
    }
    imap_input_trim(s->input);
    return s->closing ? in.n : ate;
}

static const struct conn_events imap_session_events = {
    .bytes = imap_session_bytes,
    .room = imap_session_room,
    .late = imap_session_late,
    .secured = imap_session_secured,
    .closed = imap_session_closed,
};

void imap_session_new(struct imapd_door *door, struct loop *l, int fd, struct span peer,
                      struct span local)
{
    struct imap_session *s = mem_new(struct imap_session);
    s->door = door;
    s->service = door->service;
    s->options = imapd_options(s->service);
    s->id = id_new();
    s->loop = l;
    s->home = imapd_of_loop(s->service, l);
    s->began_ms = s->active_ms = s->looked_ms = clock_ms();
    s->cmd = (struct imap_cmd){.session = s, .arena = arena_new()};
    s->input = imap_input_new(s);
    loop_later_init(&s->turn, imap_session_turn);
    list_init(&s->node);
    list_add(&s->home->sessions, &s->node);
    s->conn = conn_new(l, fd, s->options->tls_from_start ? s->options->tls : NULL, peer, local,
                       IMAP_SESSION_INPUT_BYTES, &imap_session_events, s);
    imap_session_deadline(s);
    if (!s->options->tls_from_start)
        imap_session_greet(s);
    if (imapd_stopping(s->service))
        imap_session_shut(s, IMAP_SESSION_STOPS);
}

/* --- to the account's loop, and away from the account --- */

void imap_session_known(struct imap_session *s)
{
    if (!s->known)
        imapd_left(s->door, conn_peer(s->conn));
    s->known = true;
}

void imap_session_unauthenticate(struct imap_session *s)
{
    imap_session_enter(s, IMAP_NONAUTH);
    imap_notify_end(&s->notify);
    if (s->counted)
        imapd_home_leave(s->home, s->account);
    s->counted = false;
    mem_free((void *)(uintptr_t)s->address.p);
    s->address = (struct span){NULL, 0};
    s->account = 0;
    s->actor = (struct actor){.kind = ACTOR_IMAP, .session = s->id};
    s->enabled = 0;
    s->language = 0;
    s->bad = 0;
    s->began_ms = clock_ms(); /* as a new connection, it has so long to authenticate */
    imap_session_deadline(s);
}

static void imap_session_moved(void *owner)
{
    struct imap_session *s = owner;
    s->moving = false;
    s->loop = conn_loop(s->conn);
    s->home = imapd_of_loop(s->service, s->loop);
    list_add(&s->home->sessions, &s->node);
    if (imapd_stopping(s->service))
        s->shut = IMAP_SESSION_STOPS;
    if (imapd_cutting(s->service))
        conn_drop(s->conn, "stopping");
    imap_session_resume(s);
}

enum step imap_session_login(struct imap_cmd *c, uint64_t account, const char *address,
                             imap_step_fn *then)
{
    struct imap_session *s = c->session;
    s->account = account;
    mem_free((void *)(uintptr_t)s->address.p);
    s->address = span_cstr(mem_strdup(address));
    s->actor = (struct actor){.kind = ACTOR_IMAP, .account = account, .session = s->id};
    c->more = then;
    s->moving = true;
    list_drop(&s->node);
    conn_move(s->conn, s->options->loops[store_home(s->options->store, account)],
              imap_session_moved);
    return STEP_WAIT;
}
