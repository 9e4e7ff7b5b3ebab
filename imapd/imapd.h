#pragma once /* imapd/imapd.h: the IMAP service */
#include "auth/auth.h"
#include "net/listen.h"
#include "net/tls.h"
#include "store/store.h"

struct imapd_limits {
    size_t line_bytes;         /* a command with its small literals: 64 KiB */
    size_t line_preauth_bytes; /* before authentication, literals included: 8 KiB */
    size_t literal_bytes;      /* one literal that is not a message: 64 KiB */
    size_t command_bytes;      /* a command with all its literals: 256 KiB */
    size_t message_bytes;      /* APPEND: 50 MB */
    unsigned append_count; /* messages of one APPEND: 2,000, which the committer makes in one go */
    /* 1 or 0: UNAUTHENTICATE is offered (RFC 8437 §8 wants a way to switch it off); messages with 8-bit header fields
     * are taken from clients without UTF8=ACCEPT, too (RFC 9755 §4 refuses them, but old mail has them and moves) */
    unsigned unauthenticate, headers_8bit;
    unsigned depth_count;   /* nested parentheses: 32 */
    unsigned bad_count;     /* BAD replies in a row before BYE: 20; 3 before authentication */
    unsigned session_count; /* sessions at a time in the whole service: 20,000 */
    unsigned ip_count;      /* from one address, not logged in yet: 100; 0 for no limit */
    unsigned user_count;    /* sessions of one account: 100; 0 for no limit */
    unsigned handshake_ms;  /* TLS: 30 s */
    unsigned preauth_ms;    /* from the greeting to authentication: 60 s */
    unsigned idle_ms;       /* autologout: 30 minutes, RFC 9051 §5.4 */
    unsigned stuck_ms;      /* a peer that does not read its replies: 5 minutes without progress */
    unsigned still_here_ms; /* "* OK Still here" in IDLE: 4 minutes; 0: never */
    unsigned turn_count;    /* commands of one session in one turn of the loop: 32 */
    unsigned message_count; /* messages of one command, MESSAGELIMIT of RFC 9738; 0: no limit */
    unsigned save_count;    /* likewise of COPY and APPEND alone: SAVELIMIT */
};
extern const struct imapd_limits imapd_limits_default;

struct imapd_options {
    const char *hostname;
    struct store *store;
    struct auth *auth;
    struct tls *tls;     /* NULL: no STARTTLS */
    bool tls_from_start; /* imaps */
    bool plaintext_auth; /* LOGIN without TLS from loopback (lab) */
    struct loop **loops; /* all, in the order of store_homes: a session moves to its account\'s */
    unsigned loop_count;
    const char *quota_admins; /* addresses with spaces between them; may be NULL */
    struct imapd_limits limits;
};
struct imapd;
struct imapd *imapd_new(const struct imapd_options *o);
void imapd_listen(struct imapd *s, struct listen *ln, struct loop *acceptor);
/* Any thread. Sessions get BYE at the end of their present command. */
void imapd_stop(struct imapd *s);
/* Any thread, after imapd_stop: whoever is still there is cut off, also in the middle of a
 * command; an operation that is under way ends as it will. */
void imapd_cut(struct imapd *s);
/* Any thread. After imapd_stop, 0 also says that every loop has heard of it. */
unsigned imapd_sessions(const struct imapd *s);
/* After its listeners have stopped. What sessions and loops still need of it goes with the last
 * of them. */
void imapd_free(struct imapd **s);
