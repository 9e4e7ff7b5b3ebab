#include "net/listen.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_TURN_COUNT 64  /* accepted before others have their turn */
#define LISTEN_RETRY_MS 100   /* without descriptors */
#define LISTEN_QUIET_MS 10000 /* between two lines about refused peers */
#define LISTEN_TEXT_BYTES (INET6_ADDRSTRLEN + 16)
#define LISTEN_SPARE_COUNT 32 /* not for sessions: the next log of the store wants one */

struct listen {
    atomic_uint refs; /* the opener's, and one for each note on its way */
    atomic_bool stopped;
    int fd;
    char where[LISTEN_TEXT_BYTES];
    /* from listen_start on */
    struct post_note start;
    struct loop *acceptor, **loops;
    unsigned loop_count, loop_next;
    unsigned per_ip_count;
    char *busy;
    size_t busy_bytes;
    listen_fn *fn;
    void *owner;
    /* on acceptor's thread */
    struct loop_watch watch;
    struct loop_timer retry;
    bool exhausted;
    uint64_t refused_count, refused_ms; /* refused, of which the log does not know; its last line */
    pthread_mutex_t lock;
    struct map *counts; /* lock guards it; address to number of connections, kept in the pointer */
};

/* A connection on its way to its loop. */
struct listen_arrival {
    struct post_note note;
    struct listen *ln;
    struct loop *loop;
    int fd;
    char peer[LISTEN_TEXT_BYTES], local[LISTEN_TEXT_BYTES];
};

static void listen_unref(struct listen *ln)
{
    if (atomic_fetch_sub(&ln->refs, 1) != 1)
        return;
    map_free(&ln->counts);
    pthread_mutex_destroy(&ln->lock);
    mem_free(ln->loops);
    mem_free(ln->busy);
    mem_free(ln);
}

/* --- addresses --- */

/* "192.0.2.1:25" or "[2001:db8::1]:25"; an IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2) is shown as what it is. */
static void listen_text(const struct sockaddr_storage *ss, char out[LISTEN_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (ss->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, ss, sizeof in6);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
        inet_ntop(mapped ? AF_INET : AF_INET6, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), ip,
                  sizeof ip);
        snprintf(out, LISTEN_TEXT_BYTES, mapped ? "%s:%u" : "[%s]:%u", ip,
                 (unsigned)ntohs(in6.sin6_port));
        return;
    }
    struct sockaddr_in in4;
    memcpy(&in4, ss, sizeof in4);
    if (ss->ss_family == AF_INET)
        inet_ntop(AF_INET, &in4.sin_addr, ip, sizeof ip);
    else
        in4.sin_port = 0;
    snprintf(out, LISTEN_TEXT_BYTES, "%s:%u", ip, (unsigned)ntohs(in4.sin_port));
}

/* Splits at the last colon; brackets go. */
static bool listen_split(struct span where, char host[LISTEN_TEXT_BYTES], char port[8])
{
    size_t at = where.n;
    while (at > 0 && where.p[at - 1] != ':')
        at--;
    if (at == 0)
        return false;
    struct span h = span_to(where, at - 1), p = span_from(where, at);
    if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = span_of(h.p + 1, h.n - 2);
    else if (span_find(h, ':') < h.n)
        return false; /* IPv6 without brackets */
    uint32_t number;
    if (!span_u32(p, &number) || number > 65535 || h.n == 0 || h.n >= LISTEN_TEXT_BYTES)
        return false;
    memcpy(host, h.p, h.n);
    host[h.n] = '\0';
    snprintf(port, 8, "%u", (unsigned)number);
    return true;
}

/* What counts as one peer: an IPv4 address, or the /64 that an IPv6 site gets at least. */
static struct span listen_key(struct span peer, unsigned char out[16])
{
    char host[LISTEN_TEXT_BYTES], port[8];
    if (listen_split(peer, host, port)) {
        if (inet_pton(AF_INET, host, out) == 1)
            return span_of(out, 4);
        if (inet_pton(AF_INET6, host, out) == 1)
            return span_of(out, 8);
    }
    return SPAN("?");
}

/* --- counting --- */

static bool listen_count(struct listen *ln, struct span peer)
{
    unsigned char bytes[16];
    struct span key = listen_key(peer, bytes);
    if (ln->per_ip_count == 0)
        return true;
    pthread_mutex_lock(&ln->lock);
    uintptr_t n = (uintptr_t)map_get(ln->counts, key);
    bool ok = n < ln->per_ip_count;
    if (ok)
        map_put(ln->counts, key, (void *)(n + 1));
    pthread_mutex_unlock(&ln->lock);
    return ok;
}

void listen_gone(struct listen *ln, struct span peer)
{
    unsigned char bytes[16];
    struct span key = listen_key(peer, bytes);
    pthread_mutex_lock(&ln->lock);
    uintptr_t n = (uintptr_t)map_get(ln->counts, key);
    if (n > 1)
        map_put(ln->counts, key, (void *)(n - 1));
    else if (n == 1)
        map_take(ln->counts, key);
    pthread_mutex_unlock(&ln->lock);
}

/* --- accepting --- */

static void listen_turn_away(struct listen *ln, int fd)
{
    /* The socket buffer is empty, so this either fits or the peer is gone. */
    if (ln->busy_bytes > 0 && send(fd, ln->busy, ln->busy_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void listen_refuse(struct listen *ln, int fd, const char *peer)
{
    listen_turn_away(ln, fd);
    ln->refused_count++;
    uint64_t now = clock_ms();
    if (ln->refused_ms && now - ln->refused_ms < LISTEN_QUIET_MS)
        return;
    log_event(LOG_WARN, NULL, "net.refused", "local=%s peer=%s limit=%u count=%llu", ln->where,
              peer, ln->per_ip_count, (unsigned long long)ln->refused_count);
    ln->refused_count = 0;
    ln->refused_ms = now;
}

static void listen_arrived(struct post_note *note)
{
    struct listen_arrival *a = list_entry(note, struct listen_arrival, note);
    struct listen *ln = a->ln;
    if (atomic_load(&ln->stopped))
        close(a->fd);
    else
        ln->fn(ln->owner, a->loop, a->fd, span_cstr(a->peer), span_cstr(a->local));
    mem_free(a);
    listen_unref(ln);
}

static void listen_took(struct listen *ln, int fd, const struct sockaddr_storage *from)
{
    int on = 1;
    struct sockaddr_storage to = {0};
    socklen_t to_bytes = sizeof to;
    struct listen_arrival *a = mem_new(struct listen_arrival);
    listen_text(from, a->peer);
    if (!listen_count(ln, span_cstr(a->peer))) {
        listen_refuse(ln, fd, a->peer);
        mem_free(a);
        return;
    }
    /* Without these it works all the same. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (getsockname(fd, (struct sockaddr *)&to, &to_bytes) == 0)
        listen_text(&to, a->local);
    a->ln = ln;
    a->fd = fd;
    a->loop = ln->loops[ln->loop_next++ % ln->loop_count];
    a->note.run = listen_arrived;
    atomic_fetch_add(&ln->refs, 1);
    post_send(loop_post(a->loop), &a->note);
}

/* The backlog would make the descriptor ready for ever: leaves it alone for a moment. */
static void listen_wait(struct listen *ln, int error)
{
    if (!ln->exhausted)
        log_event(LOG_ERROR, NULL, "net.exhausted", "local=%s error=\"%s\"", ln->where,
                  strerror(error));
    ln->exhausted = true;
    loop_watch_end(&ln->watch);
    loop_timer_set(ln->acceptor, &ln->retry, LISTEN_RETRY_MS);
}

/* The lowest free number is given to each descriptor: a high one says that there are few left. */
static bool listen_is_spare(int fd)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return false;
    rlim_t spare =
        files.rlim_cur / 4 < LISTEN_SPARE_COUNT ? files.rlim_cur / 4 : LISTEN_SPARE_COUNT;
    return (rlim_t)fd >= files.rlim_cur - spare;
}

static void listen_ready(struct loop_watch *w, unsigned ready)
{
    struct listen *ln = list_entry(w, struct listen, watch);
    (void)ready;
    for (unsigned i = 0; i < LISTEN_TURN_COUNT; i++) {
        struct sockaddr_storage from = {0};
        socklen_t bytes = sizeof from;
        int fd = accept4(ln->fd, (struct sockaddr *)&from, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && listen_is_spare(fd)) {
            listen_turn_away(ln, fd);
            listen_wait(ln, EMFILE);
            return;
        }
        if (fd >= 0) {
            ln->exhausted = false;
            listen_took(ln, fd, &from);
            continue;
        }
        switch (errno) {
        case EAGAIN:
            return;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EOPNOTSUPP:
            listen_wait(ln, errno);
            return;
        default: /* that one connection, accept(2): go on with the next */
            break;
        }
    }
}

static void listen_watch(struct listen *ln)
{
    if (!loop_watch_set(ln->acceptor, &ln->watch, ln->fd, LOOP_READ))
        listen_wait(ln, ENOMEM);
}

static void listen_on_retry(struct loop_timer *t)
{
    listen_watch(list_entry(t, struct listen, retry));
}

/* --- life --- */

static enum err listen_new(int fd, struct listen **out, struct fault *f)
{
    struct sockaddr_storage ss = {0};
    socklen_t bytes = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &bytes) != 0)
        return fault_set(f, ERR_IO, "socket name: %s", strerror(errno));
    struct listen *ln = mem_new(struct listen);
    atomic_init(&ln->refs, 1);
    ln->fd = fd;
    listen_text(&ss, ln->where);
    loop_watch_init(&ln->watch, listen_ready);
    loop_timer_init(&ln->retry, listen_on_retry);
    pthread_mutex_init(&ln->lock, NULL);
    ln->counts = map_new();
    *out = ln;
    return ERR_OK;
}

static int listen_bind(const struct addrinfo *ai)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (ai->ai_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum err listen_open(struct span where, struct listen **out, struct fault *f)
{
    static const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                          .ai_socktype = SOCK_STREAM};
    char host[LISTEN_TEXT_BYTES], port[8];
    struct addrinfo *ai = NULL;
    if (!listen_split(where, host, port) || getaddrinfo(host, port, &hints, &ai) != 0)
        return fault_set(f, ERR_INVALID, "%.*s: not ADDRESS:PORT or [ADDRESS]:PORT",
                         SPAN_ARG(where));
    int fd = listen_bind(ai);
    int error = errno;
    freeaddrinfo(ai);
    if (fd < 0)
        return fault_set(f, ERR_IO, "%.*s: %s", SPAN_ARG(where), strerror(error));
    enum err e = listen_new(fd, out, f);
    if (e != ERR_OK)
        close(fd);
    return e;
}

enum err listen_adopt(int fd, struct listen **out, struct fault *f)
{
    int on = 0, flags = fcntl(fd, F_GETFL);
    socklen_t bytes = sizeof on;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &bytes) != 0 || !on)
        return fault_set(f, ERR_INVALID, "descriptor %d: not a listening socket", fd);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return fault_set(f, ERR_IO, "descriptor %d: %s", fd, strerror(errno));
    return listen_new(fd, out, f);
}

struct span listen_where(const struct listen *ln)
{
    return span_cstr(ln->where);
}

static void listen_started(struct post_note *note)
{
    struct listen *ln = list_entry(note, struct listen, start);
    if (!atomic_load(&ln->stopped))
        listen_watch(ln);
    listen_unref(ln);
}

void listen_start(struct listen *ln, struct loop *acceptor, struct loop **loops, unsigned n,
                  unsigned per_ip_count, struct span busy, listen_fn *fn, void *owner)
{
    ln->acceptor = acceptor;
    ln->loops = mem_alloc(n * sizeof(struct loop *));
    memcpy(ln->loops, loops, n * sizeof(struct loop *));
    ln->loop_count = n;
    ln->per_ip_count = per_ip_count;
    ln->busy = mem_alloc(busy.n);
    if (busy.n)
        memcpy(ln->busy, busy.p, busy.n);
    ln->busy_bytes = busy.n;
    ln->fn = fn;
    ln->owner = owner;
    ln->start.run = listen_started;
    atomic_fetch_add(&ln->refs, 1);
    post_send(loop_post(acceptor), &ln->start);
}

void listen_stop(struct listen *ln)
{
    if (atomic_exchange(&ln->stopped, true))
        return;
    if (ln->acceptor)
        loop_timer_clear(ln->acceptor, &ln->retry);
    loop_watch_end(&ln->watch);
}

void listen_close(struct listen **ln)
{
    if (!*ln)
        return;
    listen_stop(*ln);
    close((*ln)->fd);
    listen_unref(*ln);
    *ln = NULL;
}
