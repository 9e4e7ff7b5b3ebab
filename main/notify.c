#include "main/notify.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct span where = span_cstr(getenv("NOTIFY_SOCKET"));
    if (where.n == 0 || where.n >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, where.p, where.n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + where.n);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, n) < 0)
        log_event(LOG_WARN, NULL, "server.notify_failed", "why=\"%s\"", strerror(errno));
    if (fd >= 0)
        close(fd);
}

void notify_reloading(void)
{
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_ms() * 1000);
    notify_send(state);
}
