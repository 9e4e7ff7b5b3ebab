#include "smtpd/smtp_body.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"
#include "message/trace.h"
#include "smtpd/smtp_reply.h"

#include <inttypes.h>
#include <stdio.h>

static const struct smtp_say smtp_body_bare = {550, "5.6.11", "bare CR or LF in the message"},
                             smtp_body_nul = {550, "5.6.0", "NUL in the message"},
                             smtp_body_hops = {554, "5.4.6",
                                               "too many hops: this message goes round in circles"};

static size_t smtp_body_max(const struct smtp_session *s)
{
    return route_options(s->o->route)->message_bytes;
}

static void smtp_body_trace(struct smtp_session *s)
{
    int64_t now = clock_wall();
    struct trace trace = {
        .helo = s->helo,
        .peer_ip = conn_peer_ip(s->conn),
        .by = span_cstr(s->o->hostname),
        .id = span_cstr(s->mail.id.text),
        .tls = conn_tls_text(s->conn),
        .for_rcpt = delivery_rcpts(s->mail.delivery) == 1 ? s->mail.only_rcpt : span_of(NULL, 0),
        .esmtp = s->esmtp,
        .authenticated = s->account != 0,
        .utf8 = s->mail.utf8,
        .when = now,
        .zone_minutes = clock_zone_minutes(now),
    };
    delivery_trace(s->mail.delivery, trace_received(s->mail.arena, &trace));
}

void smtp_body_begin(struct smtp_session *s, struct smtp_dots dots)
{
    must(!s->body.begun && s->mail.delivery);
    s->body.begun = true;
    s->body.dots = dots;
    smtp_body_trace(s);
}

void smtp_body_refuse(struct smtp_session *s, const struct smtp_say *say)
{
    if (!s->body.refusal)
        s->body.refusal = say;
    delivery_abort(&s->mail.delivery);
}

/* After a write: has the store refused? */
static void smtp_body_look(struct smtp_session *s)
{
    struct fault f = FAULT_NONE;
    enum err e = delivery_state(s->mail.delivery, &f);
    if (e == ERR_OK)
        return;
    if (e == ERR_IO || e == ERR_CORRUPT)
        log_event(LOG_ERROR, s->id.text, "smtp.failed", "msg=%s why=\"%s\"", s->mail.id.text,
                  f.text);
    bool hops = e == ERR_LIMIT && s->body.bytes <= smtp_body_max(s);
    smtp_body_refuse(s, hops ? &smtp_body_hops : smtp_reply_for(e, SMTP_REPLY_BODY));
}

size_t smtp_body_take(struct smtp_session *s, struct span in)
{
    struct span text;
    size_t ate = smtp_dots_take(&s->body.dots, in, &text);
    s->body.bytes += text.n;
    s->body.read += ate;
    if (s->body.dots.bare || s->body.dots.nul)
        smtp_body_refuse(s, s->body.dots.bare ? &smtp_body_bare : &smtp_body_nul);
    else if (s->body.bytes > smtp_body_max(s))
        smtp_body_refuse(s, smtp_reply_for(ERR_LIMIT, SMTP_REPLY_BODY));
    if (s->mail.delivery && text.n > 0) {
        delivery_write(s->mail.delivery, text);
        smtp_body_look(s);
    }
    return ate;
}

bool smtp_body_busy(struct smtp_session *s)
{
    if (!s->mail.delivery || !delivery_busy(s->mail.delivery))
        return false;
    conn_pause(s->conn); /* smtp_mail's ready resumes it */
    return true;
}

/* --- the end --- */

static void smtp_body_kept(void *arg, enum err e, const struct fault *f)
{
    struct smtp_session *s = arg;
    char text[64];
    if (e == ERR_OK) {
        log_event(LOG_INFO, s->id.text, "smtp.accepted",
                  "msg=%s bytes=%" PRIu64 " ms=%" PRIu64 "%s", s->mail.id.text, s->body.bytes,
                  clock_ms() - s->mail.began_ms, smtp_session_gone(s) ? " unheard=1" : "");
        s->messages++;
        s->errors = s->junk = 0;
        snprintf(text, sizeof text, "kept as %s", s->mail.id.text);
        smtp_reply(s, 250, "2.0.0", text);
    } else {
        log_event(e == ERR_NOTFOUND || e == ERR_QUOTA ? LOG_INFO : LOG_ERROR, s->id.text,
                  "smtp.failed", "msg=%s kind=%s why=\"%s\"", s->mail.id.text, fault_name(e),
                  f->text);
        smtp_reply_say(s, smtp_reply_for(e, SMTP_REPLY_BODY));
    }
    smtp_session_reset(s);
    smtp_session_resume(s);
}

enum step smtp_body_refused(struct smtp_session *s)
{
    bool bare = s->body.refusal == &smtp_body_bare;
    smtp_reply_say(s, s->body.refusal);
    smtp_session_reset(s);
    return bare
               ? STEP_CLOSE
               : STEP_DONE; /* what follows may be the smuggled half: RFC 5321 §4.1.1.4 knows no such end */
}

enum step smtp_body_end(struct smtp_session *s)
{
    if (s->body.dots.bare)
        smtp_body_refuse(s, &smtp_body_bare);
    if (!s->body.refusal)
        smtp_body_look(s);
    if (s->body.refusal)
        return smtp_body_refused(s);
    struct delivery *d = s->mail.delivery;
    s->mail.delivery = NULL;
    smtp_session_pause(s);
    delivery_commit(d, smtp_body_kept, s);
    return STEP_WAIT;
}

/* --- deadlines --- */

/* A sender has command_ms, and more for every byte it sends: it may be slow in the beginning, but not for ever. */
static uint64_t smtp_body_left_ms(const struct smtp_session *s)
{
    const struct smtpd_limits *l = &s->o->limits;
    uint64_t now = clock_ms();
    uint64_t rate = l->data_bytes_per_s ? l->data_bytes_per_s : 1;
    uint64_t due = s->body.since_ms + l->command_ms + s->body.read * 1000 / rate;
    uint64_t end = (s->mail.began_ms ? s->mail.began_ms : s->body.since_ms) + l->transaction_ms;
    due = due < end ? due : end;
    return due > now ? due - now : 0;
}

void smtp_body_read(struct smtp_session *s,
                    size_t (*expect)(struct smtp_session *s, struct span in))
{
    s->expect = expect;
    s->body.reading = true;
    s->body.since_ms = clock_ms();
    s->body.read = 0;
    uint64_t left = smtp_body_left_ms(s);
    conn_deadline(s->conn, left ? left : 1);
}

void smtp_body_read_end(struct smtp_session *s)
{
    s->body.reading = false;
    smtp_session_expect_line(s);
}

bool smtp_body_late(struct smtp_session *s)
{
    bool ours = s->mail.delivery && delivery_busy(s->mail.delivery); /* not the peer's fault */
    if (!ours && smtp_body_left_ms(s) == 0)
        return true;
    conn_deadline(s->conn, ours ? s->o->limits.command_ms : smtp_body_left_ms(s));
    return false;
}
