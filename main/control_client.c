#include "main/control_client.h"
#include "common/mem.h"
#include "main/control_wire.h"
#include "main/terminal.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define INPUT_BYTES (64u << 10)

static enum control_client_outcome refused(int *exit_out, int code, const char *dir,
                                           const char *why)
{
    fprintf(stderr, "mailstead: the server of %s: %s\n", dir, why);
    *exit_out = code;
    return CONTROL_CLIENT_REFUSED;
}

/* -1: errno says why. */
static int connect_to(const char *dir)
{
    struct sockaddr_un where;
    int dir_fd;
    if (!control_wire_address(dir, &where, &dir_fd))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&where, sizeof where) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    int error = errno;
    if (dir_fd >= 0)
        close(dir_fd);
    errno = error;
    return fd;
}

static bool send_command(struct control_wire *w, int argc, char **argv)
{
    struct buf words;
    buf_init(&words, CONTROL_WIRE_BYTES);
    bool good = true;
    for (int i = 0; i < argc; i++)
        good = buf_add(&words, span_of(argv[i], strlen(argv[i]) + 1)) && good;
    good = good && control_wire_send(w, 'A', buf_span(&words));
    buf_fini(&words);
    return good;
}

static bool send_input(struct control_wire *w, const struct cli_args *args)
{
    char *input = mem_alloc(INPUT_BYTES);
    long n = terminal_read(args, input, INPUT_BYTES);
    bool good = control_wire_send(w, n < 0 ? 'N' : 'I', span_of(input, n > 0 ? (size_t)n : 0));
    explicit_bzero(input, INPUT_BYTES);
    mem_free(input);
    return good;
}

/* Until the exit code has come. False: the server is gone, or nobody wants its output any more. */
static bool converse(struct control_wire *w, const struct cli_args *args, int *exit_out)
{
    struct buf body;
    buf_init(&body, CONTROL_WIRE_BYTES);
    bool good = true, over = false;
    char type;
    while (good && !over && (good = control_wire_receive(w, &type, &body))) {
        if (type == 'O' || type == 'E')
            good = terminal_write(type == 'O' ? STDOUT_FILENO : STDERR_FILENO, body.p, body.n);
        else if (type == 'P')
            terminal_progress(buf_span(&body));
        else if (type == 'i')
            good = send_input(w, args);
        else if (type == 'X' && body.n == 1)
            over = true;
        else
            good = false;
    }
    if (over)
        *exit_out = (unsigned char)body.p[0];
    buf_fini(&body);
    terminal_progress(SPAN(""));
    return good;
}

enum control_client_outcome control_client_call(const char *dir, int argc, char **argv,
                                                const struct cli_args *args, int *exit_out)
{
    struct control_wire w = {connect_to(dir), -1};
    if (w.fd < 0 && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR))
        return CONTROL_CLIENT_NOBODY;
    if (w.fd < 0)
        return refused(exit_out, CLI_UNAVAILABLE, dir, strerror(errno));
    (void)send_command(&w, argc, argv); /* who refuses us without listening says why */
    bool good = converse(&w, args, exit_out);
    close(w.fd);
    if (!good)
        return refused(exit_out, CLI_TEMPFAIL, dir, "the connection ended before the answer");
    return CONTROL_CLIENT_DONE;
}
