#pragma once /* smtpd/smtp_session.h: one SMTP session */
#include "common/arena.h"
#include "common/id.h"
#include "common/list.h"
#include "net/conn.h"
#include "smtpd/smtp_dots.h"
#include "smtpd/smtpd.h"

/* What a verb did. */
enum step {
    STEP_DONE, /* replied; the next command may start */
    STEP_WAIT, /* the connection is paused until smtp_session_resume: the store, a password */
    STEP_CLOSE /* said goodbye; the connection closes when the output has left */
};

enum smtp_state {
    SMTP_GREET, /* before EHLO */
    SMTP_HELLO, /* ready for MAIL */
    SMTP_MAIL,  /* a sender */
    SMTP_RCPT,  /* at least one recipient */
    SMTP_DATA,  /* the message streams in until CRLF.CRLF */
    SMTP_BDAT,  /* in a chunk, or between two */
    SMTP_AUTH,  /* SASL responses */
    SMTP_BYE,
    SMTP_STATES
};

/* The sessions of one loop, and what they share. In smtpd.c. */
struct smtpd_seat {
    struct smtpd *service;
    struct loop *loop;
    struct list_node sessions;
    struct arena *scratch;      /* one command of one session; reset after it */
    struct post_note stop, cut; /* of smtpd_stop and smtpd_cut */
};

struct smtp_say;
struct smtp_auth;
struct smtp_session {
    /* as long as the connection */
    struct list_node node; /* of seat->sessions */
    struct smtpd_seat *seat;
    struct listen *listen;
    const struct smtpd_options *o;
    struct conn *conn; /* NULL: closed while something was under way; the session ends with that */
    struct id id;
    unsigned state;
    size_t (*expect)(struct smtp_session *s, struct span in); /* eats some of in; 0: needs more */
    size_t used;   /* of the input of this turn, up to and with the present line */
    unsigned turn; /* commands in this turn */
    unsigned commands, errors, junk, auth_refused, messages;
    const char *verb;  /* of the present command, for the log */
    struct span about; /* what it is about, for the log */
    const char *why;   /* we close, for the log */
    bool shaking;      /* TLS is being set up */
    bool waiting;      /* STEP_WAIT */
    bool tainted;      /* the present line has a bare LF behind it already */
    bool stopping;     /* 421 as soon as the present command or message is over */
    /* since EHLO or HELO; forgotten by STARTTLS */
    struct arena *arena;
    struct span helo;
    bool esmtp;
    /* since AUTH */
    uint64_t account;       /* 0: nobody */
    struct smtp_auth *auth; /* while it is under way */
    /* one mail transaction, ended by smtp_session_reset */
    struct {
        struct arena *arena;
        struct delivery *delivery; /* NULL outside, and once the message is committed or refused */
        struct span only_rcpt;     /* text of the first recipient */
        struct id id;
        uint64_t began_ms;
        bool utf8;
    } mail;
    /* its message */
    struct {
        bool begun;        /* the store has something of it */
        bool reading;      /* bytes of it are next, not commands */
        bool last;         /* BDAT LAST */
        uint64_t bytes;    /* of text so far */
        uint64_t left;     /* of the present BDAT chunk */
        uint64_t since_ms; /* the present DATA or chunk began to be read */
        uint64_t read;     /* bytes of it that came */
        struct smtp_dots dots;
        const struct smtp_say *refusal; /* the reply when the message or chunk has been read */
    } body;
};

/* A new connection; s belongs to its conn. */
void smtp_session_open(struct smtpd_seat *seat, struct listen *ln, const struct smtpd_options *o,
                       int fd, struct span peer, struct span local, bool full);
/* A move that smtp_rules allows. */
void smtp_session_enter(struct smtp_session *s, enum smtp_state next);
/* Ends the transaction, if there is one: RSET, a new EHLO, the end of the message. */
void smtp_session_reset(struct smtp_session *s);
/* Commands again from the next byte on. */
void smtp_session_expect_line(struct smtp_session *s);
/* What follows every command and every message: limits, the next deadline, the end. */
void smtp_session_after(struct smtp_session *s, enum step step);
/* Before STEP_WAIT: no input, no deadline until smtp_session_resume. */
void smtp_session_pause(struct smtp_session *s);
/* What STEP_WAIT waited for has come and its reply is sent; s may be gone afterwards. */
void smtp_session_resume(struct smtp_session *s);
/* The connection closed while the session waited: nobody hears the reply any more. */
static inline bool smtp_session_gone(const struct smtp_session *s)
{
    return !s->conn;
}
/* 421 now or when the present message is over; on the session's loop. */
void smtp_session_stop(struct smtp_session *s);
/* After STARTTLS has been answered. */
void smtp_session_shake(struct smtp_session *s);

/* A session has ended; in smtpd.c. */
void smtpd_left(struct smtpd_seat *seat);
