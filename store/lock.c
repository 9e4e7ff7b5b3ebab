#include "store/lock.h"
#include "common/log.h"
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err lock_fault(struct fault *f, const char *doing, const char *path)
{
    return fault_set(f, ERR_IO, "%s %s: %s", doing, path, strerror(errno));
}

static enum err lock_make_dir(const char *dir, struct fault *f)
{
    if (mkdir(dir, 0700) == 0) {
        char above[PATH_MAX];
        const char *slash = strrchr(dir, '/');
        (void)snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - dir) + 1 : 1,
                       slash ? dir : ".");
        int error = io_sync_dir(above);
        return error ? io_fault(f, error, above) : ERR_OK;
    }
    struct stat is;
    if (errno != EEXIST || stat(dir, &is) < 0)
        return lock_fault(f, "make", dir);
    if (!S_ISDIR(is.st_mode))
        return fault_set(f, ERR_IO, "%s is not a directory", dir);
    return ERR_OK;
}

/* For people who wonder who has it. */
static void lock_sign(int fd)
{
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) < 0)
        log_event(LOG_DEBUG, NULL, "store.lock_unsigned", "error=\"%s\"", strerror(errno));
}

enum err lock_take(const char *dir, int *lock_out, struct fault *f)
{
    if (lock_make_dir(dir, f) != ERR_OK)
        return f ? f->kind : ERR_IO;
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/lock", dir) >= sizeof path)
        return fault_set(f, ERR_INVALID, "%s: the name is too long", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return lock_fault(f, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        enum err e = errno == EWOULDBLOCK
                         ? fault_set(f, ERR_BUSY, "%s belongs to another process", dir)
                         : lock_fault(f, "lock", path);
        (void)close(fd);
        return e;
    }
    lock_sign(fd);
    *lock_out = fd;
    return ERR_OK;
}

void lock_release(int *lock)
{
    if (*lock >= 0)
        (void)close(*lock);
    *lock = -1;
}
