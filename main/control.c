#include "main/control.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "main/control_wire.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WORKERS 4
#define BACKLOG 64
#define OUT_BYTES (32u << 10) /* output gathered into one frame */

struct control {
    int fd, stop, dir_fd;
    struct sockaddr_un where;
    struct admin admin; /* what every command gets */
    pthread_t workers[WORKERS];
    unsigned running;
};

/* One command. */
struct caller {
    struct admin admin;
    struct control_wire wire;
    struct buf out; /* not sent yet */
    struct buf in;  /* the frame that came last; input from in_at on is not read yet */
    size_t in_at;
    bool in_over;
};

/* --- what a command reads and writes --- */

static bool flush(struct caller *c)
{
    bool good = c->out.n == 0 || control_wire_send(&c->wire, 'O', buf_span(&c->out));
    buf_reset(&c->out);
    return good;
}

static bool caller_out(struct admin *a, struct span text)
{
    struct caller *c = (struct caller *)(void *)a;
    if (text.n > OUT_BYTES)
        return flush(c) && control_wire_send(&c->wire, 'O', text);
    return (c->out.n + text.n <= OUT_BYTES || flush(c)) && buf_add(&c->out, text);
}

static bool caller_err(struct admin *a, struct span text)
{
    struct caller *c = (struct caller *)(void *)a;
    return flush(c) && control_wire_send(&c->wire, 'E', text);
}

static bool caller_progress(struct admin *a, struct span line)
{
    struct caller *c = (struct caller *)(void *)a;
    return line.n > 0 ? flush(c) && control_wire_send(&c->wire, 'P', line)
                      : !control_wire_is_ending(&c->wire);
}

static long caller_in(struct admin *a, char *into, size_t n)
{
    struct caller *c = (struct caller *)(void *)a;
    char type;
    if (c->in_at == c->in.n && !c->in_over) {
        c->in_at = 0;
        if (!flush(c) || !control_wire_send(&c->wire, 'i', SPAN("")) ||
            !control_wire_receive(&c->wire, &type, &c->in) || type != 'I')
            return -1;
        c->in_over = c->in.n == 0;
    }
    size_t here = c->in.n - c->in_at < n ? c->in.n - c->in_at : n;
    if (here > 0)
        memcpy(into, c->in.p + c->in_at, here);
    c->in_at += here;
    return (long)here;
}

/* --- one command --- */

/* The words of an A frame; they point into it. */
static int split_words(struct span frame, char *words[CLI_VALUE_COUNT])
{
    int n = 0;
    while (frame.n > 0 && n < CLI_VALUE_COUNT - 1) {
        size_t end = span_find(frame, '\0');
        if (end == frame.n)
            return 0;
        words[n++] = (char *)(uintptr_t)frame.p;
        frame = span_from(frame, end + 1);
    }
    words[n] = NULL;
    return frame.n == 0 ? n : 0;
}

static int run_words(struct caller *c, int argc, char **argv, uint32_t uid)
{
    struct cli_args args;
    char message[512];
    if (!cli_parse(argc, argv, &args, message, stderr) || !args.command->admin) {
        admin_complain(&c->admin, "the server does not understand this: %s", message);
        return CLI_USAGE;
    }
    int code = args.command->admin(&c->admin, &args);
    log_event(LOG_INFO, NULL, "control.command", "name=\"%s\" uid=%u exit=%d", args.command->name,
              uid, code);
    return code;
}

static void serve_command(struct caller *c, uint32_t uid)
{
    char type, *words[CLI_VALUE_COUNT];
    if (!control_wire_receive(&c->wire, &type, &c->in) || type != 'A')
        return;
    /* The frame's buffer is used for input later: the words need a place of their own. */
    char *frame = mem_alloc(c->in.n);
    if (c->in.n > 0)
        memcpy(frame, c->in.p, c->in.n);
    int argc = split_words(span_of(frame, c->in.n), words);
    buf_reset(&c->in);
    char code = (char)(argc > 0 ? run_words(c, argc, words, uid) : CLI_USAGE);
    if (flush(c))
        (void)control_wire_send(&c->wire, 'X',
                                span_of(&code, 1)); /* who is gone needs no exit code */
    mem_free(frame);
}

/* Root and we ourselves; the mode of the socket keeps others out already. */
static bool may_call(int fd, uint32_t *uid_out)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t n = sizeof peer;
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0;
    *uid_out = peer.uid;
    if (known && (peer.uid == 0 || peer.uid == geteuid()))
        return true;
    log_event(LOG_WARN, NULL, "control.refused", "uid=%u pid=%ld", (unsigned)peer.uid,
              (long)peer.pid);
    return false;
}

static void serve_caller(struct control *control, int fd)
{
    uint32_t uid;
    struct caller c = {.admin = control->admin, .wire = {fd, control->stop}};
    buf_init(&c.out, OUT_BYTES);
    buf_init(&c.in, CONTROL_WIRE_BYTES);
    if (may_call(fd, &uid)) {
        serve_command(&c, uid);
    } else {
        const char code = CLI_UNAVAILABLE;
        admin_complain(&c.admin, "permission denied");
        (void)control_wire_send(&c.wire, 'X',
                                span_of(&code, 1)); /* who is gone needs no exit code */
    }
    buf_fini(&c.out);
    buf_fini(&c.in);
    close(fd);
}

static void *work(void *arg)
{
    struct control *c = arg;
    struct pollfd p[2] = {{c->fd, POLLIN, 0}, {c->stop, POLLIN, 0}};
    for (;;) {
        int n = poll(p, 2, -1);
        if (n > 0 && p[1].revents)
            return NULL;
        int fd = n > 0 ? accept4(c->fd, NULL, NULL, SOCK_CLOEXEC)
                       : -1; /* another worker may have been quicker */
        if (fd >= 0)
            serve_caller(c, fd);
    }
}

/* --- the socket --- */

static enum err open_socket(struct control *c, const char *dir, struct fault *f)
{
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd >= 0 && control_wire_address(dir, &c->where, &c->dir_fd)) {
        (void)unlink(c->where.sun_path); /* a dead one; bind tells if it is something else */
        /* The mode is there from the first moment: bind makes the file with that of the socket. */
        if (fchmod(c->fd, 0600) == 0 &&
            bind(c->fd, (struct sockaddr *)&c->where, sizeof c->where) == 0 &&
            chmod(c->where.sun_path, 0600) == 0 && listen(c->fd, BACKLOG) == 0)
            return ERR_OK;
    }
    return fault_set(f, ERR_IO, "control socket in %s: %s", dir, strerror(errno));
}

enum err control_open(const char *dir, struct store *st, struct auth *auth, const char *hostname,
                      struct control **out, struct fault *f)
{
    struct control *c = mem_new(struct control);
    c->admin = (struct admin){
        st, auth, caller_out, caller_err, caller_in, hostname, caller_progress, 0, 0};
    c->fd = c->dir_fd = -1;
    c->stop = eventfd(0, EFD_CLOEXEC);
    *out = c;
    enum err e =
        c->stop < 0 ? fault_set(f, ERR_IO, "eventfd: %s", strerror(errno)) : open_socket(c, dir, f);
    for (; e == ERR_OK && c->running < WORKERS; c->running++)
        must(pthread_create(&c->workers[c->running], NULL, work, c) == 0);
    if (e != ERR_OK)
        control_close(out);
    return e;
}

void control_close(struct control **cp)
{
    struct control *c = *cp;
    if (!c)
        return;
    if (c->stop >= 0)
        must(eventfd_write(c->stop, 1) == 0);
    for (unsigned i = 0; i < c->running; i++)
        pthread_join(c->workers[i], NULL);
    if (c->running > 0)
        (void)unlink(c->where.sun_path); /* a dead one does no harm */
    if (c->fd >= 0)
        close(c->fd);
    if (c->dir_fd >= 0)
        close(c->dir_fd);
    if (c->stop >= 0)
        close(c->stop);
    mem_free(c);
    *cp = NULL;
}
