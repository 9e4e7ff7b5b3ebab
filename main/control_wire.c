#include "main/control_wire.h"
#include "common/le.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_MS (10 * 60 * 1000) /* a pager that nobody scrolls shall not hold a worker for ever */
#define HEAD_BYTES 5

/* Waits until fd is ready for what; false: timed out, or it is to end. */
static bool wait_for(const struct control_wire *w, short what, int ms)
{
    struct pollfd p[2] = {{w->fd, what, 0}, {w->stop, POLLIN, 0}};
    int n;
    do {
        n = poll(p, 2, ms);
    } while (n < 0 && errno == EINTR);
    return n > 0 && p[1].revents == 0;
}

bool control_wire_is_ending(const struct control_wire *w)
{
    struct pollfd p = {w->stop, POLLIN, 0};
    return poll(&p, 1, 0) > 0; /* -1 is passed over */
}

static bool send_all(struct control_wire *w, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t took = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (took > 0) {
            p += took;
            n -= (size_t)took;
        } else if (took == 0 || (errno != EAGAIN && errno != EINTR) ||
                   !wait_for(w, POLLOUT, SEND_MS)) {
            return false;
        }
    }
    return true;
}

bool control_wire_send(struct control_wire *w, char type, struct span bytes)
{
    while (bytes.n > CONTROL_WIRE_BYTES) {
        if (!control_wire_send(w, type, span_to(bytes, CONTROL_WIRE_BYTES)))
            return false;
        bytes = span_from(bytes, CONTROL_WIRE_BYTES);
    }
    char head[HEAD_BYTES] = {type};
    le_put(head + 1, bytes.n, 4);
    return !control_wire_is_ending(w) && send_all(w, head, sizeof head) &&
           send_all(w, bytes.p, bytes.n);
}

static bool receive_all(struct control_wire *w, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(w->fd, p, n, MSG_DONTWAIT);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR) || !wait_for(w, POLLIN, -1)) {
            return false;
        }
    }
    return true;
}

bool control_wire_receive(struct control_wire *w, char *type_out, struct buf *body)
{
    char head[HEAD_BYTES];
    if (control_wire_is_ending(w) || !receive_all(w, head, sizeof head))
        return false;
    size_t n = le_get32(head + 1);
    buf_reset(body);
    char *room = n <= CONTROL_WIRE_BYTES ? buf_room(body, n) : NULL;
    if (n > 0 && (!room || !receive_all(w, room, n)))
        return false;
    if (n > 0)
        buf_grew(body, n);
    *type_out = head[0];
    return true;
}

bool control_wire_address(const char *dir, struct sockaddr_un *out, int *dir_fd)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir_fd = -1;
    int n = snprintf(out->sun_path, sizeof out->sun_path, "%s/control", dir);
    if (n > 0 && (size_t)n < sizeof out->sun_path)
        return true;
    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0)
        return false;
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/control", *dir_fd);
    return true;
}
