#include "store/io.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/trip.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IO_EXIT_CODE                                                                               \
    75 /* EX_TEMPFAIL of sysexits.h: the supervisor starts us again, and recovery tells the truth */
#define IO_FD_COUNT 4096 /* descriptors above it are looked up by name when something fails */
#define IO_PATH_BYTES 4096

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define IO_LEAK_CHECK 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IO_LEAK_CHECK 1
#endif
#ifdef IO_LEAK_CHECK
/* Berkeley DB does not free the details of old transactions when a private environment closes. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdb-5.3.so\n";
}
#endif

/* Which descriptors are log files. */
static atomic_bool io_log_fds[IO_FD_COUNT];
static pthread_once_t io_once = PTHREAD_ONCE_INIT;

static bool io_is_log_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "log.", 4) == 0;
}

static bool io_is_log(int fd)
{
    if (fd >= 0 && fd < IO_FD_COUNT)
        return atomic_load(&io_log_fds[fd]);
    char link[64], path[IO_PATH_BYTES];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return true; /* the careful answer */
    path[n] = '\0';
    return io_is_log_name(path);
}

static void io_note_log(int fd, bool is)
{
    if (fd >= 0 && fd < IO_FD_COUNT)
        atomic_store(&io_log_fds[fd], is);
}

/* No handlers, no flushing: whatever is not on disk has not been acknowledged. */
static _Noreturn void io_end(const char *what, const char *file, int error)
{
    log_event(LOG_ERROR, NULL, "store.sync_failed", "call=%s file=%s errno=%d error=\"%s\"", what,
              file, error, strerror(error));
    _exit(IO_EXIT_CODE);
}

static bool io_tripped(enum trip_kind kind)
{
    if (!trip_now(kind))
        return false;
    errno = trip_error(kind);
    return true;
}

static int io_sync_fd(int fd, bool data_only)
{
    if (io_tripped(TRIP_SYNC))
        return errno;
    int r;
    do
        r = data_only ? fdatasync(fd) : fsync(fd);
    while (r < 0 && errno == EINTR);
    return r < 0 ? errno : 0;
}

int io_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = io_sync_fd(fd, false);
    (void)close(fd);
    return error;
}

/* The directory that holds path. */
static void io_sync_dir_of(const char *path)
{
    char dir[IO_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof dir)
        n = 0;
    memcpy(dir, path, n);
    dir[n] = '\0';
    int error = io_sync_dir(slash && n == 0 ? "/" : n ? dir : ".");
    if (error)
        io_end("fsync", n ? dir : ".", error);
}

/* --- what Berkeley DB 5.3 calls. open: -1 and errno. fsync, seek and those that change names: an errno value. write: all or
 * -1 and errno; once it is ours, pages too are written by seek and write. read stays the library's own: a replacement
 * may not come back short, and the log is read up to its end. pread may: then the library tries again by seek and read,
 * so a planted fault waits for that seek. --- */

static int io_open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    if (io_tripped(TRIP_OPEN))
        return -1;
    bool made = (flags & O_CREAT) && access(path, F_OK) != 0;
    int fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return -1;
    io_note_log(fd, io_is_log_name(path));
    if (made)
        io_sync_dir_of(path);
    return fd;
}

static int io_close(int fd)
{
    io_note_log(fd, false);
    return close(fd) < 0 ? errno : 0;
}

static _Thread_local int io_read_fault; /* for the next seek of this thread */

/* Recovery takes a log that cannot be read for one that ends there, and writes over the rest of it. */
static ssize_t io_pread(int fd, void *into, size_t n, off_t at)
{
    bool planted = io_tripped(TRIP_READ);
    ssize_t got = planted ? -1 : pread(fd, into, n, at);
    if (got < 0 && io_is_log(fd))
        io_end("read", "log", errno);
    if (planted)
        io_read_fault = errno;
    return got;
}

static int io_seek(int fd, off_t at, int whence)
{
    int error = io_read_fault;
    io_read_fault = 0;
    if (error)
        return error;
    return lseek(fd, at, whence) < 0 ? errno : 0;
}

/* A full disk is refused politely further up; a log that cannot be written otherwise is the end. */
static ssize_t io_write_failed(int fd, int error)
{
    if (error != ENOSPC && error != EDQUOT && io_is_log(fd))
        io_end("write", "log", error);
    errno = error;
    return -1;
}

static ssize_t io_write(int fd, const void *from, size_t n)
{
    if (io_tripped(TRIP_WRITE))
        return io_write_failed(fd, errno);
    for (size_t done = 0; done < n;) {
        ssize_t got = write(fd, (const char *)from + done, n - done);
        if (got < 0 && errno != EINTR)
            return io_write_failed(fd, errno);
        done += got < 0 ? 0 : (size_t)got;
    }
    return (ssize_t)n;
}

static int io_fsync(int fd)
{
    int error = io_sync_fd(fd, true);
    if (error)
        io_end("fdatasync", io_is_log(fd) ? "log" : "table", error);
    return 0;
}

static int io_ftruncate(int fd, off_t n)
{
    if (io_tripped(TRIP_WRITE))
        return errno;
    return ftruncate(fd, n) < 0 ? errno : 0;
}

static int io_rename(const char *from, const char *to)
{
    if (io_tripped(TRIP_WRITE))
        return errno;
    if (rename(from, to) < 0)
        return errno;
    io_sync_dir_of(to);
    return 0;
}

static int io_unlink(const char *path)
{
    return unlink(path) < 0 ? errno : 0;
}

static void io_set_all(void)
{
    (void)db_env_set_func_open(io_open);
    (void)db_env_set_func_close(io_close);
    (void)db_env_set_func_pread(io_pread);
    (void)db_env_set_func_seek(io_seek);
    (void)db_env_set_func_write(io_write);
    (void)db_env_set_func_fsync(io_fsync);
    (void)db_env_set_func_ftruncate(io_ftruncate);
    (void)db_env_set_func_rename(io_rename);
    (void)db_env_set_func_unlink(io_unlink);
    /* without memory we end: the library takes it ill in places (__lock_getlocker_int) when there is none */
    (void)db_env_set_func_malloc(mem_alloc);
    (void)db_env_set_func_realloc(mem_grow);
    (void)db_env_set_func_free(mem_free);
}

void io_install(void)
{
    (void)pthread_once(&io_once, io_set_all);
}

static enum err io_kind(int error)
{
    switch (error) {
    case DB_NOTFOUND:
    case DB_KEYEMPTY:
        return ERR_NOTFOUND;
    case DB_KEYEXIST:
        return ERR_EXISTS;
    case DB_LOCK_DEADLOCK:
    case DB_LOCK_NOTGRANTED:
        return ERR_BUSY;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM: /* the cache is full of pages that do not get to the disk: it is as good as full */
        return ERR_FULL;
    case DB_RUNRECOVERY:
    case DB_VERIFY_BAD:
    case DB_PAGE_NOTFOUND:
    case DB_CHKSUM_FAIL:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

enum err io_fault(struct fault *f, int error, const char *doing)
{
    return fault_set(f, io_kind(error), "%s: %s", doing, db_strerror(error));
}
