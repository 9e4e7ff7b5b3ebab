#include "main/serve.h"
#include "common/log.h"
#include "main/config.h"
#include "main/notify.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SOCKET 3 /* SD_LISTEN_FDS_START */

static int complain(enum err e, const struct fault *f)
{
    fprintf(stderr, "mailstead: %s\n", f->text);
    return e == ERR_INVALID ? CLI_CONFIG : e == ERR_BUSY || e == ERR_FULL ? CLI_TEMPFAIL : CLI_IO;
}

/* --- sockets of systemd, sd_listen_fds_with_names(3) --- */

static bool service_named(struct span name, enum server_service *out)
{
    static const char *const names[SERVER_SERVICES] = {[SERVER_SMTP] = "smtp",
                                                       [SERVER_SUBMISSION] = "submission",
                                                       [SERVER_SUBMISSIONS] = "submissions",
                                                       [SERVER_IMAP] = "imap",
                                                       [SERVER_IMAPS] = "imaps"};
    for (int i = 0; i < SERVER_SERVICES; i++)
        if (span_eq(name, span_cstr(names[i]))) {
            *out = (enum server_service)i;
            return true;
        }
    return false;
}

/* The number of sockets that were handed to us; other processes' variables may have been inherited. */
static unsigned given_sockets(void)
{
    uint64_t pid = 0;
    uint32_t n = 0;
    bool ours = span_u64(span_cstr(getenv("LISTEN_PID")), &pid) && pid == (uint64_t)getpid() &&
                span_u32(span_cstr(getenv("LISTEN_FDS")), &n);
    return ours ? n : 0;
}

/* With sockets given, they are the doors, and those of the configuration stay shut. */
static enum err take_sockets(struct server_options *o, struct fault *f)
{
    unsigned n = given_sockets();
    struct span names = span_cstr(getenv("LISTEN_FDNAMES"));
    if (n == 0)
        return ERR_OK;
    if (n > SERVER_DOOR_COUNT)
        return fault_set(f, ERR_LIMIT, "LISTEN_FDS: at most %d sockets", SERVER_DOOR_COUNT);
    o->door_count = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t colon = span_find(names, ':');
        struct server_door door = {.fd = FIRST_SOCKET + (int)i};
        if (!service_named(span_to(names, colon), &door.service))
            return fault_set(
                f, ERR_INVALID,
                "LISTEN_FDNAMES: socket %u has to be named smtp, submission, submissions, imap "
                "or imaps by FileDescriptorName=, not \"%.*s\"",
                i + 1, SPAN_ARG(span_to(names, colon)));
        if (fcntl(door.fd, F_SETFD, FD_CLOEXEC) != 0)
            return fault_set(f, ERR_INVALID, "LISTEN_FDS: socket %u: %s", i + 1, strerror(errno));
        o->doors[o->door_count++] = door;
        names = span_from(names, colon < names.n ? colon + 1 : names.n);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return ERR_OK;
}

/* --- the server --- */

/* The log's file is opened as the user who will open it again after SIGHUP. */
static enum err open_log(const struct config *c, struct fault *f)
{
    if (*c->log_file && !log_open(c->log_file))
        return fault_set(f, ERR_INVALID, "log file %s: %s", c->log_file, strerror(errno));
    return ERR_OK;
}

static int run(struct config *c)
{
    struct fault f = FAULT_NONE;
    struct server *s = NULL;
    log_level(c->log_level);
    enum err e = take_sockets(&c->server, &f);
    if (e == ERR_OK)
        e = server_start(&c->server, &s, &f);
    if (e == ERR_OK)
        e = open_log(c, &f);
    if (e == ERR_OK)
        notify_send("READY=1");
    int code = e == ERR_OK ? server_wait(s) : complain(e, &f);
    server_stop(&s);
    return code;
}

int serve_run(const struct cli_args *args)
{
    const char *file = cli_value(args, "config");
    struct config *c = config_load(file ? file : CONFIG_FILE, stderr);
    if (!c)
        return CLI_CONFIG;
    int code = run(c);
    config_free(&c);
    return code;
}

int serve_check_config(const struct cli_args *args)
{
    const char *file = cli_operand(args, 0);
    file = file ? file : CONFIG_FILE;
    struct config *c = config_load(file, stderr);
    bool good = c && config_check(c, file, stderr);
    config_free(&c);
    if (good)
        printf("%s: ok\n", file);
    return good ? CLI_OK : CLI_CONFIG;
}
