#pragma once /* smtpd/smtpd.h: the SMTP service */
#include "auth/auth.h"
#include "net/listen.h"
#include "net/tls.h"
#include "route/delivery.h"

struct smtpd_limits {
    /* a command line with its CRLF: 2,048; at least 512, RFC 5321 §4.5.3.1.4 */
    size_t line_bytes;
    unsigned error_count;      /* refused commands before 421: 20 */
    unsigned auth_count;       /* refused AUTH before 421: 3 */
    unsigned junk_count;       /* NOOP, RSET, VRFY, HELP between two messages: 100 */
    unsigned session_count;    /* sessions at a time in the whole service: 4,000 */
    unsigned ip_count;         /* from one address: 50; 0 in a lab: no limit */
    unsigned handshake_ms;     /* TLS: 30 s */
    unsigned command_ms;       /* for the next command: 300 s, RFC 5321 §4.5.3.2.7 */
    unsigned data_bytes_per_s; /* slowest sender of a message body, averaged: 500 */
    unsigned transaction_ms;   /* from MAIL to the end of its data: 1 h */
    unsigned turn_count;       /* commands of one session in one turn of the loop: 32 */
};
extern const struct smtpd_limits smtpd_limits_default;

enum smtpd_role { SMTPD_MX, SMTPD_SUBMISSION };

/* One for each door; fixed after start. Strings are borrowed for the life of the service. */
struct smtpd_options {
    enum smtpd_role role;
    const char *hostname;
    struct route *route;
    struct auth *auth;   /* submission offers AUTH; NULL: never */
    struct tls *tls;     /* NULL: no STARTTLS */
    bool tls_from_start; /* submissions, RFC 8314 §3.3 */
    bool plaintext_auth; /* AUTH without TLS from loopback (lab) */
    bool open;           /* submission without AUTH (lab) */
    struct smtpd_limits limits;
};
struct smtpd;
struct smtpd *smtpd_new(const struct smtpd_options *o);
/* Starts accepting on ln; sessions spread over the loops. */
void smtpd_listen(struct smtpd *s, struct listen *ln, struct loop *acceptor, struct loop **loops,
                  unsigned n);
/* Any thread. Idle sessions get 421 and end now, others at the end of their command or message (RFC 5321 §3.8). */
void smtpd_stop(struct smtpd *s);
/* Any thread, after smtpd_stop: whoever is still there is cut off, also in the middle of a message. What is being committed
 * ends as it will. */
void smtpd_cut(struct smtpd *s);
/* Any thread. After smtpd_stop, 0 also says that every loop has heard of it. */
unsigned smtpd_sessions(const struct smtpd *s);
void smtpd_free(struct smtpd **s); /* when there are none left and the loops have ended */
