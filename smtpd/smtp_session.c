#include "smtpd/smtp_session.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sm.h"
#include "smtpd/smtp_body.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

#include <stdio.h>

#define SMTP_SESSION_INPUT_BYTES (64u << 10) /* what one read of a message may bring */
#define SMTP_SESSION_SASL_BYTES 12290        /* a response and its CRLF, RFC 4954 §4 */

#define TO(state) SM_TO(state)
/* clang-format off */
static const struct sm_rule smtp_rules[SMTP_STATES] = {
    [SMTP_GREET] = {"greet", TO(SMTP_GREET) | TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_HELLO] = {"hello", TO(SMTP_HELLO) | TO(SMTP_MAIL) | TO(SMTP_AUTH) | TO(SMTP_GREET) | TO(SMTP_BYE)},
    [SMTP_MAIL]  = {"mail",  TO(SMTP_RCPT) | TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_RCPT]  = {"rcpt",  TO(SMTP_DATA) | TO(SMTP_BDAT) | TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_DATA]  = {"data",  TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_BDAT]  = {"bdat",  TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_AUTH]  = {"auth",  TO(SMTP_HELLO) | TO(SMTP_BYE)},
    [SMTP_BYE]   = {"bye",   0},
};
/* clang-format on */

void smtp_session_enter(struct smtp_session *s, enum smtp_state next)
{
    sm_enter(smtp_rules, &s->state, next);
}

void smtp_session_reset(struct smtp_session *s)
{
    delivery_abort(&s->mail.delivery);
    arena_free(&s->mail.arena);
    s->mail.only_rcpt = span_of(NULL, 0);
    s->mail.utf8 = false;
    s->mail.began_ms = 0;
    memset(&s->body, 0, sizeof s->body);
    if (s->state != SMTP_HELLO && s->state != SMTP_GREET && s->state != SMTP_BYE)
        smtp_session_enter(s, SMTP_HELLO);
}

/* --- endings --- */

static void smtp_session_close(struct smtp_session *s, const char *why)
{
    s->why = why;
    if (s->state != SMTP_BYE)
        smtp_session_enter(s, SMTP_BYE);
    smtp_session_reset(s);
    conn_deadline(s->conn, 0);
    conn_close(s->conn);
}

static void smtp_session_bye(struct smtp_session *s, const char *enhanced, const char *text)
{
    smtp_reply(s, 421, enhanced, text);
    smtp_session_close(s, text);
}

static void smtp_session_free(struct smtp_session *s)
{
    smtp_session_reset(s);
    smtp_auth_end(s);
    arena_free(&s->arena);
    smtpd_left(s->seat);
    mem_free(s);
}

static void smtp_session_closed(void *owner, const char *why)
{
    struct smtp_session *s = owner;
    log_event(LOG_INFO, s->id.text, "smtp.closed",
              "peer=%s why=\"%s\" commands=%u messages=%u errors=%u", LOG_SPAN(conn_peer(s->conn)),
              why, s->commands, s->messages, s->errors);
    list_drop(&s->node);
    listen_gone(s->listen, conn_peer(s->conn));
    s->conn = NULL;
    if (!s->waiting)
        smtp_session_free(s);
}

void smtp_session_stop(struct smtp_session *s)
{
    s->stopping = true;
    if (s->state == SMTP_BYE || s->waiting || s->body.reading)
        return;
    if (s->shaking)
        conn_drop(s->conn, "stopping");
    else
        smtp_session_bye(s, "4.3.2", "the server is stopping");
}

/* --- deadlines --- */

/* The deadline of the next command, within that of the transaction. */
static void smtp_session_rearm(struct smtp_session *s)
{
    uint64_t ms = s->o->limits.command_ms;
    if (s->mail.began_ms) {
        uint64_t end = s->mail.began_ms + s->o->limits.transaction_ms, now = clock_ms();
        uint64_t left = end > now ? end - now : 1;
        ms = left < ms ? left : ms;
    }
    conn_deadline(s->conn, ms);
}

static void smtp_session_late(void *owner)
{
    struct smtp_session *s = owner;
    if (s->state == SMTP_BYE)
        return;
    if (s->shaking)
        conn_drop(s->conn, "TLS handshake took too long");
    else if (!s->body.reading || smtp_body_late(s))
        smtp_session_bye(s, "4.4.2", "too slow, closing");
}

/* --- commands --- */

void smtp_session_after(struct smtp_session *s, enum step step)
{
    const struct smtpd_limits *l = &s->o->limits;
    s->about = span_of(NULL, 0);
    if (step == STEP_WAIT || s->state == SMTP_BYE)
        return;
    if (step == STEP_CLOSE)
        smtp_session_close(s, s->verb ? s->verb : "foreign protocol");
    else if (s->errors >= l->error_count)
        smtp_session_bye(s, "4.7.0", "too many errors");
    else if (s->auth_refused >= l->auth_count)
        smtp_session_bye(s, "4.7.0", "too many wrong passwords");
    else if (s->junk >= l->junk_count)
        smtp_session_bye(s, "4.7.0", "too many commands without a message");
    else if (s->stopping && !s->body.reading)
        smtp_session_bye(s, "4.3.2", "the server is stopping");
    else if (!s->shaking && !s->body.reading)
        smtp_session_rearm(s);
}

void smtp_session_pause(struct smtp_session *s)
{
    s->waiting = true;
    conn_pause(s->conn);
    conn_deadline(s->conn, 0);
}

void smtp_session_resume(struct smtp_session *s)
{
    s->waiting = false;
    if (smtp_session_gone(s)) {
        smtp_session_free(s);
        return;
    }
    smtp_session_after(s, STEP_DONE);
    conn_resume(s->conn);
}

/* The beginning of something that is not SMTP. */
static bool smtp_session_foreign(const struct smtp_session *s, char first)
{
    unsigned char c = span_lower((unsigned char)first);
    return s->commands == 0 && (c < 'a' || c > 'z') && c != '\r' && c != '\n';
}

/* line has its line end still. */
static enum step smtp_session_command(struct smtp_session *s, struct span line)
{
    bool crlf = line.n >= 2 && line.p[line.n - 2] == '\r';
    bool tainted = s->tainted || !crlf;
    s->tainted = !crlf; /* a piece behind a bare LF is part of the same line, whatever it says */
    line = span_to(line, line.n - (crlf ? 2 : 1));
    s->verb = NULL;
    if (tainted || span_find(line, '\r') < line.n)
        return smtp_reply(s, 500, "5.5.2", "a line ends in CR LF, and has neither within");
    if (span_find(line, '\0') < line.n)
        return smtp_reply(s, 500, "5.5.2", "no NUL in commands");
    return s->state == SMTP_AUTH ? smtp_auth_line(s, line) : smtp_verbs_run(s, line);
}

/* The rest of a line that was too long. */
static size_t smtp_session_skip(struct smtp_session *s, struct span in)
{
    size_t n = span_find(in, '\n');
    if (n == in.n)
        return n;
    smtp_session_expect_line(s);
    smtp_session_after(s, STEP_DONE);
    return n + 1;
}

/* Tokens are long, and clients send them behind AUTH as well as on a line of their own. */
static size_t smtp_session_line_max(const struct smtp_session *s, struct span in)
{
    bool auth =
        s->state == SMTP_AUTH || (s->o->auth && !s->account && span_starts_ci(in, SPAN("AUTH ")));
    return auth ? SMTP_SESSION_SASL_BYTES : s->o->limits.line_bytes;
}

static size_t smtp_session_line(struct smtp_session *s, struct span in)
{
    size_t max = smtp_session_line_max(s, in);
    size_t n = span_find(span_to(in, max), '\n');
    if (smtp_session_foreign(s, in.p[0])) {
        s->about = span_to(in, n);
        smtp_reply(s, 554, "5.5.1", "this is a mail server");
        smtp_session_after(s, STEP_CLOSE);
        return in.n;
    }
    if (n == in.n && n < max)
        return 0;
    if (n >= max) {
        if (s->state == SMTP_AUTH) {
            smtp_auth_end(s);
            smtp_session_enter(s, SMTP_HELLO);
        }
        s->expect = smtp_session_skip;
        smtp_reply(s, 500, "5.5.2", "line too long");
        return n;
    }
    s->commands++;
    s->turn++;
    s->used += n + 1;
    enum step step = smtp_session_command(s, span_to(in, n + 1));
    arena_reset(s->seat->scratch);
    smtp_session_after(s, step);
    return n + 1;
}

void smtp_session_expect_line(struct smtp_session *s)
{
    s->expect = smtp_session_line;
}

static size_t smtp_session_bytes(void *owner, struct span in)
{
    struct smtp_session *s = owner;
    size_t at = 0, ate;
    s->turn = 0;
    while (at < in.n && s->state != SMTP_BYE && !s->waiting && !s->shaking) {
        if (s->turn >= s->o->limits.turn_count) {
            conn_again(s->conn);
            break;
        }
        s->used = at;
        ate = s->expect(s, span_from(in, at));
        if (ate == 0)
            break;
        at += ate;
        if (s->body.reading && smtp_body_busy(s))
            break;
    }
    return s->state == SMTP_BYE ? in.n : at;
}

/* --- the connection --- */

static void smtp_session_greet(struct smtp_session *s)
{
    char text[300];
    snprintf(text, sizeof text, "%.255s ESMTP mailstead", s->o->hostname);
    smtp_reply(s, 220, NULL, text);
    smtp_session_rearm(s);
}

void smtp_session_shake(struct smtp_session *s)
{
    s->shaking = true;
    conn_deadline(s->conn, s->o->limits.handshake_ms);
}

static void smtp_session_secured(void *owner)
{
    struct smtp_session *s = owner;
    s->shaking = false;
    if (s->stopping)
        smtp_session_bye(s, "4.3.2", "the server is stopping");
    else if (s->o->tls_from_start)
        smtp_session_greet(s);
    else
        smtp_session_rearm(s);
}

/* Output is small: nobody asks for room. */
static void smtp_session_room(void *owner)
{
    (void)owner;
}

void smtp_session_open(struct smtpd_seat *seat, struct listen *ln, const struct smtpd_options *o,
                       int fd, struct span peer, struct span local, bool full)
{
    static const struct conn_events events = {
        .bytes = smtp_session_bytes,
        .room = smtp_session_room,
        .late = smtp_session_late,
        .secured = smtp_session_secured,
        .closed = smtp_session_closed,
    };
    struct smtp_session *s = mem_new(struct smtp_session);
    struct tls *tls = o->tls_from_start ? o->tls : NULL;
    s->seat = seat;
    s->listen = ln;
    s->o = o;
    s->id = id_new();
    s->state = SMTP_GREET;
    smtp_session_expect_line(s);
    list_init(&s->node);
    list_add(&seat->sessions, &s->node);
    s->conn = conn_new(seat->loop, fd, tls, peer, local,
                       SMTP_SESSION_INPUT_BYTES + o->limits.line_bytes, &events, s);
    if (full && !tls)
        smtp_session_bye(s, "4.3.2", "too many connections, try again later");
    else if (full)
        conn_drop(s->conn, "too many connections");
    else if (tls)
        smtp_session_shake(s);
    else
        smtp_session_greet(s);
}
