#include "main/server.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "main/control.h"
#include "main/notify.h"
#include "main/privilege.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LOOPS_MAX 64
#define STOP_MS 5000 /* sessions have so long to end: R9 of a polite shutdown */
#define CUT_MS 1000  /* and those that are cut, to be gone */
#define STOP_STEP_MS 10

struct server {
    struct server_options options;
    struct store *store;
    struct auth *auth;
    struct route *route;
    struct tls *tls[2]; /* smtp, imap: each has its ALPN name */
    struct smtpd *smtpd[SERVER_IMAP];
    struct imapd *imapd[SERVER_SERVICES];
    struct listen *doors[SERVER_DOOR_COUNT];
    struct control *control;
    struct post_note close_doors; /* to the acceptor's loop */
    atomic_bool doors_closed;
    struct loop *loops[LOOPS_MAX];
    pthread_t threads[LOOPS_MAX];
    unsigned loop_count, running;
    bool started; /* else it ends at once: who has come already has done nothing yet */
    char certificate[4096], key[4096], ca[4096];
    sigset_t signals;
};

void server_options_init(struct server_options *o)
{
    *o = (struct server_options){.hostname = "localhost",
                                 .store = store_options_default,
                                 .route = route_options_default,
                                 .auth = auth_options_default,
                                 .smtp = smtpd_limits_default,
                                 .imap = imapd_limits_default,
                                 .control = true};
}

/* Signals are taken by server_wait alone: blocked before the first thread is made. */
static void block_signals(struct server *s)
{
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static enum err open_doors(struct server *s, struct fault *f)
{
    for (size_t i = 0; i < s->options.door_count; i++) {
        const struct server_door *d = &s->options.doors[i];
        enum err e = d->fd >= 0 ? listen_adopt(d->fd, &s->doors[i], f)
                                : listen_open(span_cstr(d->where), &s->doors[i], f);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err open_tls(struct server *s, struct fault *f)
{
    const struct server_options *o = &s->options;
    if (!o->tls_certificate) {
        const struct span names[] = {SPAN("localhost"), span_cstr(o->hostname), SPAN("127.0.0.1"),
                                     SPAN("::1")};
        enum err e = tls_self_made(o->store.dir, names, sizeof names / sizeof *names, f);
        if (e != ERR_OK)
            return e;
        snprintf(s->certificate, sizeof s->certificate, "%s/cert.pem", o->store.dir);
        snprintf(s->key, sizeof s->key, "%s/key.pem", o->store.dir);
        snprintf(s->ca, sizeof s->ca, "%s/ca.pem", o->store.dir);
        if (!o->lab)
            log_event(LOG_WARN, NULL, "server.tls_self_made",
                      "certificate=%s why=\"none is configured: clients will warn\"",
                      s->certificate);
    } else {
        snprintf(s->certificate, sizeof s->certificate, "%s", o->tls_certificate);
        snprintf(s->key, sizeof s->key, "%s", o->tls_key ? o->tls_key : o->tls_certificate);
    }
    static const char *const alpn[2] = {"smtp", "imap"};
    for (int i = 0; i < 2; i++) {
        enum err e = tls_open(s->certificate, s->key, &s->tls[i], f);
        if (e == ERR_OK && o->tls_clients && *o->tls_clients)
            e = tls_clients(s->tls[i], o->tls_clients, f);
        if (e != ERR_OK)
            return e;
        tls_alpn(s->tls[i], alpn[i]);
    }
    return ERR_OK;
}

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static enum err make_loops(struct server *s, struct fault *f)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = s->options.loop_count ? s->options.loop_count : cores > 0 ? (unsigned)cores : 1;
    struct post *homes[LOOPS_MAX];
    for (; s->loop_count < n && s->loop_count < LOOPS_MAX; s->loop_count++) {
        enum err e = loop_new(&s->loops[s->loop_count], f);
        if (e != ERR_OK)
            return e;
        homes[s->loop_count] = loop_post(s->loops[s->loop_count]);
    }
    store_homes(s->store, homes, s->loop_count);
    return ERR_OK;
}

static void make_services(struct server *s)
{
    const struct server_options *o = &s->options;
    s->route = route_new(s->store, &o->route);
    for (int i = SERVER_SMTP; i <= SERVER_SUBMISSIONS; i++) {
        struct smtpd_options so = {.role = i == SERVER_SMTP ? SMTPD_MX : SMTPD_SUBMISSION,
                                   .hostname = o->hostname,
                                   .route = s->route,
                                   .auth = i == SERVER_SMTP && !o->lab ? NULL : s->auth,
                                   .tls = s->tls[0],
                                   .tls_from_start = i == SERVER_SUBMISSIONS,
                                   .plaintext_auth = o->lab || !s->tls[0],
                                   .open = o->lab,
                                   .limits = o->smtp};
        s->smtpd[i] = smtpd_new(&so);
    }
    for (int i = SERVER_IMAP; i <= SERVER_IMAPS; i++) {
        struct imapd_options io = {.hostname = o->hostname,
                                   .store = s->store,
                                   .auth = s->auth,
                                   .tls = s->tls[1],
                                   .tls_from_start = i == SERVER_IMAPS,
                                   .plaintext_auth = o->lab || !s->tls[1],
                                   .loops = s->loops,
                                   .loop_count = s->loop_count,
                                   .quota_admins = o->quota_admins,
                                   .limits = o->imap};
        s->imapd[i] = imapd_new(&io);
    }
}

static void start_threads(struct server *s)
{
    for (; s->running < s->loop_count; s->running++)
        must(pthread_create(&s->threads[s->running], NULL, run_loop, s->loops[s->running]) == 0);
}

/* listen_start must run on the acceptor's thread or before it runs: it is called before. */
static void start_listening(struct server *s)
{
    for (size_t i = 0; i < s->options.door_count; i++) {
        enum server_service service = s->options.doors[i].service;
        if (service >= SERVER_IMAP)
            imapd_listen(s->imapd[service], s->doors[i], s->loops[0]);
        else
            smtpd_listen(s->smtpd[service], s->doors[i], s->loops[0], s->loops, s->loop_count);
    }
}

/* Every session is a descriptor: as many as the system lets us have. */
static void raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* what we have will do */
    }
}

static enum err start(struct server *s, struct fault *f)
{
    const struct server_options *o = &s->options;
    enum err e = open_doors(s, f);
    if (e == ERR_OK && o->user)
        e = privilege_drop(o->user, o->store.dir, f);
    if (e == ERR_OK)
        e = store_open(&o->store, &s->store, f);
    if (e == ERR_OK)
        e = open_tls(s, f);
    if (e == ERR_OK)
        e = make_loops(s, f);
    if (e != ERR_OK)
        return e;
    s->auth = auth_new(s->store, &o->auth);
    e = auth_load(s->auth, f);
    if (e != ERR_OK)
        return e;
    make_services(s);
    start_listening(s);
    start_threads(s);
    if (o->control)
        e = control_open(o->store.dir, s->store, s->auth, o->hostname, &s->control, f);
    return e;
}

enum err server_start(const struct server_options *o, struct server **out, struct fault *f)
{
    struct server *s = mem_new(struct server);
    s->options = *o;
    block_signals(s);
    raise_descriptors();
    enum err e = start(s, f);
    if (e != ERR_OK) {
        server_stop(&s);
        return e;
    }
    s->started = true;
    log_event(LOG_INFO, NULL, "server.started", "pid=%ld loops=%u", (long)getpid(), s->loop_count);
    *out = s;
    return ERR_OK;
}

struct span server_where(const struct server *s, enum server_service service, size_t i)
{
    for (size_t k = 0; k < s->options.door_count; k++)
        if (s->options.doors[k].service == service && i-- == 0)
            return listen_where(s->doors[k]);
    return SPAN("");
}

const char *server_ca(const struct server *s)
{
    return *s->ca ? s->ca : NULL;
}

struct store *server_store(struct server *s)
{
    return s->store;
}

static void reload_tls(struct server *s, bool forced)
{
    for (int i = 0; i < 2 && s->tls[i]; i++) {
        struct fault f = FAULT_NONE;
        bool changed = forced;
        enum err e =
            forced ? tls_reload(s->tls[i], &f) : tls_reload_if_changed(s->tls[i], &changed, &f);
        if (e != ERR_OK)
            log_event(LOG_ERROR, NULL, "server.tls_reload_failed", "why=\"%s\" kept=old", f.text);
        else if (changed && i == 1) /* both have it now */
            log_event(LOG_INFO, NULL, "server.tls_reloaded", "file=%s", s->certificate);
    }
}

/* Keys of tokens and the like. */
static void reload_auth(struct server *s)
{
    struct fault f = FAULT_NONE;
    if (auth_load(s->auth, &f) != ERR_OK)
        log_event(LOG_ERROR, NULL, "server.auth_reload_failed", "why=\"%s\" kept=old", f.text);
}

int server_wait(struct server *s)
{
    const struct timespec look = {.tv_sec = 5}; /* how often changed certificates are noticed */
    for (;;) {
        int sig = sigtimedwait(&s->signals, NULL, &look);
        if (sig == SIGTERM || sig == SIGINT) {
            log_event(LOG_INFO, NULL, "server.stopping", "signal=%d", sig);
            notify_send("STOPPING=1");
            return 0;
        }
        if (sig == SIGHUP) {
            notify_reloading();
            log_reopen();
            reload_auth(s);
        }
        reload_tls(s, sig == SIGHUP);
        if (sig == SIGHUP)
            notify_send("READY=1");
    }
}

static unsigned sessions(const struct server *s)
{
    unsigned n = 0;
    for (int i = SERVER_SMTP; i <= SERVER_SUBMISSIONS; i++)
        n += s->smtpd[i] ? smtpd_sessions(s->smtpd[i]) : 0;
    for (int i = SERVER_IMAP; i <= SERVER_IMAPS; i++)
        n += s->imapd[i] ? imapd_sessions(s->imapd[i]) : 0;
    return n;
}

/* On the acceptor's loop: the doors close there. */
static void stop_doors(struct post_note *note)
{
    struct server *s = list_entry(note, struct server, close_doors);
    for (size_t i = 0; i < s->options.door_count; i++)
        if (s->doors[i])
            listen_stop(s->doors[i]);
    atomic_store(&s->doors_closed, true);
}

static bool doors_closed(const struct server *s)
{
    return s->running == 0 || atomic_load(&s->doors_closed);
}

static bool all_gone(const struct server *s)
{
    return doors_closed(s) && sessions(s) == 0;
}

static void wait_until(bool (*so)(const struct server *s), const struct server *s, unsigned most_ms)
{
    const struct timespec step = {.tv_nsec = STOP_STEP_MS * 1000000L};
    for (unsigned ms = 0; ms < most_ms && !so(s); ms += STOP_STEP_MS)
        nanosleep(&step, NULL);
}

static void cut_sessions(struct server *s)
{
    log_event(LOG_WARN, NULL, "server.cut", "sessions=%u", sessions(s));
    for (int i = SERVER_SMTP; i <= SERVER_SUBMISSIONS; i++)
        if (s->smtpd[i])
            smtpd_cut(s->smtpd[i]);
    for (int i = SERVER_IMAP; i <= SERVER_IMAPS; i++)
        if (s->imapd[i])
            imapd_cut(s->imapd[i]);
    wait_until(all_gone, s, CUT_MS);
}

static void stop_services(struct server *s)
{
    s->close_doors.run = stop_doors;
    if (s->running)
        post_send(loop_post(s->loops[0]), &s->close_doors);
    wait_until(doors_closed, s, CUT_MS); /* nobody comes once the services have heard */
    for (int i = SERVER_SMTP; i <= SERVER_SUBMISSIONS; i++)
        if (s->smtpd[i])
            smtpd_stop(s->smtpd[i]);
    for (int i = SERVER_IMAP; i <= SERVER_IMAPS; i++)
        if (s->imapd[i])
            imapd_stop(s->imapd[i]);
    wait_until(all_gone, s, s->started ? STOP_MS : 0);
    if (!all_gone(s))
        cut_sessions(s);
    if (!all_gone(
            s)) { /* a disk that hangs: what was acknowledged is on it, and recovery sees to the rest */
        log_event(LOG_WARN, NULL, "server.abandoned", "sessions=%u", sessions(s));
        _exit(s->started ? 0 : 1);
    }
    for (unsigned i = 0; i < s->running; i++)
        loop_stop(s->loops[i]);
    for (unsigned i = 0; i < s->running; i++)
        pthread_join(s->threads[i], NULL);
}

void server_stop(struct server **sp)
{
    struct server *s = *sp;
    if (!s)
        return;
    control_close(&s->control);
    stop_services(s);
    for (size_t i = 0; i < s->options.door_count; i++)
        listen_close(&s->doors[i]);
    for (int i = SERVER_SMTP; i <= SERVER_SUBMISSIONS; i++)
        smtpd_free(&s->smtpd[i]);
    for (int i = SERVER_IMAP; i <= SERVER_IMAPS; i++)
        imapd_free(&s->imapd[i]);
    auth_free(&s->auth);
    route_free(&s->route);
    store_stop(s->store);
    for (unsigned i = 0; i < s->loop_count; i++)
        loop_free(&s->loops[i]);
    store_close(&s->store);
    for (int i = 0; i < 2; i++)
        tls_close(&s->tls[i]);
    if (s->running)
        log_event(LOG_INFO, NULL, "server.stopped", "pid=%ld", (long)getpid());
    mem_free(s);
    *sp = NULL;
}
