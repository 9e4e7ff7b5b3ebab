#include "store/space.h"
#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct space {
    const struct store_options *options;
    char ballast[PATH_MAX];
    atomic_bool low;
    atomic_uint_fast64_t left;
};

struct space *space_new(const struct store_options *o)
{
    struct space *s = mem_new(struct space);
    s->options = o;
    (void)snprintf(s->ballast, sizeof s->ballast, "%s/ballast", o->dir);
    return s;
}

void space_free(struct space **s)
{
    mem_free(*s);
    *s = NULL;
}

/* A disk that does not answer counts as one with room: what it refuses will tell. */
static uint64_t space_ask(const struct space *s)
{
    struct statvfs v;
    if (statvfs(s->options->dir, &v) < 0) {
        log_event(LOG_WARN, NULL, "store.space_unknown", "error=\"%s\"", strerror(errno));
        return UINT64_MAX;
    }
    return (uint64_t)v.f_bavail * v.f_frsize;
}

static bool space_has_ballast(const struct space *s)
{
    struct stat is;
    return stat(s->ballast, &is) == 0;
}

void space_before_recovery(struct space *s)
{
    uint64_t left = space_ask(s);
    if (left < s->options->low_water_bytes && unlink(s->ballast) == 0)
        log_event(LOG_WARN, NULL, "store.ballast_released", "free=%" PRIu64, left);
}

/* Made whole or not at all. */
static void space_make_ballast(struct space *s)
{
    int fd = open(s->ballast, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    int error = posix_fallocate(fd, 0, (off_t)s->options->ballast_bytes);
    (void)close(fd);
    if (error)
        (void)unlink(s->ballast);
    else
        log_event(LOG_DEBUG, NULL, "store.ballast_made", "bytes=%" PRIu64,
                  s->options->ballast_bytes);
}

void space_look(struct space *s)
{
    uint64_t left = space_ask(s), mark = s->options->low_water_bytes;
    atomic_store(&s->left, left);
    bool low = left < mark, was_low = atomic_exchange(&s->low, low);
    if (low && !was_low)
        log_event(LOG_WARN, NULL, "store.low", "free=%" PRIu64 " mark=%" PRIu64, left, mark);
    else if (was_low && !low)
        log_event(LOG_INFO, NULL, "store.roomy", "free=%" PRIu64 " mark=%" PRIu64, left, mark);
}

void space_mend(struct space *s)
{
    uint64_t left = space_left(s), mark = s->options->low_water_bytes,
             ballast = s->options->ballast_bytes;
    if (ballast > 0 && left >= mark && (left - mark) / 2 >= ballast && !space_has_ballast(s))
        space_make_ballast(s);
}

bool space_is_low(const struct space *s)
{
    return atomic_load_explicit(&s->low, memory_order_relaxed);
}

uint64_t space_left(const struct space *s)
{
    return atomic_load(&s->left);
}
