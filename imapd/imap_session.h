#pragma once /* imapd/imap_session.h: one IMAP connection, and what it remembers */
#include "common/arena.h"
#include "common/sm.h"
#include "net/conn.h"
#include "imapd/imap_cmd.h"
#include "imapd/imap_out.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_view.h"
#include "imapd/imapd.h"

enum imap_state { IMAP_NONAUTH, IMAP_AUTH, IMAP_SELECTED, IMAP_BYE, IMAP_STATES };

/* What the client has switched on, RFC 5161. */
enum imap_enabled {
    IMAP_REV2 = 1,
    IMAP_CONDSTORE = 2,
    IMAP_QRESYNC = 4,   /* RFC 7162 §3.2; CONDSTORE comes with it */
    IMAP_UTF8 = 8,      /* UTF8=ACCEPT, RFC 9755 §3 */
    IMAP_UIDONLY = 16,  /* RFC 9586 §3 */
    IMAP_METADATA = 32, /* unsolicited responses: RFC 5464 §4.4 */
    IMAP_METADATA_SERVER = 64,
};

struct imap_session {
    /* as long as the connection */
    struct imapd *service;
    const struct imapd_options *options;
    struct conn *conn;
    struct id id;
    unsigned state;  /* enum imap_state, moved by sm_enter */
    unsigned bad;    /* BAD replies so far */
    bool closing;    /* BYE was said: */
    const char *bye; /* this; static text */
    /* from authentication on */
    uint64_t account;
    struct span address; /* of the account */
    struct actor actor;
    unsigned enabled;           /* of enum imap_enabled */
    unsigned language;          /* of the texts, imapd/imap_language.h; 0: i-default */
    struct imap_notify *notify; /* imapd/imap_notify.h; NULL until it is used */
    /* from SELECT to the next SELECT, CLOSE or UNSELECT */
    struct imap_view *view; /* NULL when nothing is selected */
    /* one command */
    struct imap_cmd cmd;
    bool running; /* cmd is in use */
    bool waiting; /* cmd returned STEP_WAIT */
    bool again;   /* what it waited for is there */
    bool idling;  /* IDLE: news go out at once */
    /* input framing and the rest: private to imapd/imap_session.c and imapd/imap_input.c */
    struct imap_input *input;
    struct loop *loop;       /* as conn_loop, also after the connection has ended */
    struct imapd_home *home; /* what the service keeps for this loop */
    struct loop_later turn;
    struct list_node node; /* in home->sessions */
    uint64_t began_ms;     /* of clock_ms: connected */
    uint64_t active_ms;    /* the last command */
    uint64_t still_ms;     /* the next "Still here"; 0: none */
    uint64_t looked_ms;    /* the deadline last looked whether the peer reads */
    uint64_t out_bytes;    /* sent so far */
    uint64_t left_bytes;   /* of them taken by the kernel at looked_ms */
    bool counted;          /* among its account's sessions in home */
    bool known;            /* has logged in once: counted no longer among those of its address */
    bool paused;           /* conn_pause is on: the command works */
    bool moving;           /* from one loop to another */
    const char *shut;      /* the service stops: say this at the end of the command */
    struct imapd_door *door;
};

/* Strings may be UTF-8 both ways: RFC 9051 §4.3, RFC 9755 §3. */
static inline bool imap_session_utf8(const struct imap_session *s)
{
    return (s->enabled & (IMAP_REV2 | IMAP_UTF8)) != 0;
}

/* A connection was accepted on l. Owns fd. */
void imap_session_new(struct imapd_door *door, struct loop *l, int fd, struct span peer,
                      struct span local);
/* Called by a completion after STEP_WAIT, on the session's loop: runs cmd.more in a safe place.
 * If the connection died meanwhile the command is ended instead (cleanup runs, more does not). */
void imap_session_resume(struct imap_session *s);
#define IMAP_SESSION_STOPS "[UNAVAILABLE] Server stops, come back soon"
/* Stops reading commands after the present one; the client hears "* BYE text". For imapd_stop;
 * on the session's loop. */
void imap_session_shut(struct imap_session *s, const char *text);
/* Authenticated: moves to the account's loop; c->more runs there. Only from c->more of LOGIN and
 * AUTHENTICATE. */
enum step imap_session_login(struct imap_cmd *c, uint64_t account, const char *address,
                             imap_step_fn *then);
/* It has logged in: counted no longer among those of its address. */
void imap_session_known(struct imap_session *s);
/* Back to IMAP_NONAUTH: what belongs to the account, was selected or enabled is forgotten. RFC 8437 §3 */
void imap_session_unauthenticate(struct imap_session *s);
/* The state's machine; a view is closed on the way out of IMAP_SELECTED. */
void imap_session_enter(struct imap_session *s, enum imap_state next);
/* Moves the deadline to what comes first now: preauth, autologout, "Still here", a peer that
 * does not read. */
void imap_session_deadline(struct imap_session *s);
/* The view has heard of a change: in IDLE the news go out at the end of this turn. */
void imap_session_stir(struct imap_session *s);
/* A BAD was sent: too many end the session. */
void imap_session_bad(struct imap_session *s);
/* --- for imap_input --- */
/* A complete command. */
void imap_session_command(struct imap_session *s, struct span text);
/* What a step of the running command says. */
void imap_session_run(struct imap_session *s, enum step step);
