#pragma once /* main/server.h: all threads and services together: from options to a running server and back */
#include "auth/auth.h"
#include "common/fault.h"
#include "imapd/imapd.h"
#include "route/delivery.h"
#include "smtpd/smtpd.h"
#include "store/store.h"

enum server_service {
    SERVER_SMTP,
    SERVER_SUBMISSION,
    SERVER_SUBMISSIONS,
    SERVER_IMAP,
    SERVER_IMAPS,
    SERVER_SERVICES
};

#define SERVER_DOOR_COUNT 32
struct server_door {
    enum server_service service;
    const char *where; /* "ADDR:PORT"; NULL where fd is given */
    int fd;            /* listening already (systemd), or -1 */
};

struct server_options {
    bool lab;
    const char *hostname;
    struct store_options store;
    struct route_options route;
    struct auth_options auth;
    struct smtpd_limits smtp;
    struct imapd_limits imap;
    const char *quota_admins; /* as imapd_options; NULL: nobody */
    const char *tls_certificate,
        *tls_key;            /* NULL: self-made in the store's directory; production logs it */
    const char *tls_clients; /* CAs of client certificates; NULL or empty: clients are not asked */
    struct server_door doors[SERVER_DOOR_COUNT];
    size_t door_count;
    unsigned loop_count; /* 0: one a core */
    const char *user;    /* to become once the doors are open, when started as root; NULL: stay */
    bool control;        /* serve the control socket in the store's directory */
};
void server_options_init(struct server_options *o);

struct server;
/* Blocks the signals that server_wait waits for, opens doors, drops privileges, opens the store, starts all threads. When it returns, connections are
 * accepted. On an error everything is closed again. */
enum err server_start(const struct server_options *o, struct server **out, struct fault *f);
/* Where a door of that service really is ("127.0.0.1:1025"); empty when there is none. i: the ith of them. */
struct span server_where(const struct server *s, enum server_service service, size_t i);
const char *server_ca(const struct server *s); /* file of the lab's CA, or NULL */
/* Runs until SIGTERM or SIGINT; SIGHUP reloads certificates and reopens the log. Returns the exit code. */
int server_wait(struct server *s);
/* Stops accepting, lets sessions end (5 s at most), closes the store. */
void server_stop(struct server **s);
struct store *server_store(struct server *s);
