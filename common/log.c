#include "common/log.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LINE_BYTES 2048

/* clang-format off */
static const struct {
    const char *name;
    int syslog; /* priority, for the journal's <N> prefix: sd-daemon(3) */
} log_levels[] = {
    [LOG_ERROR] = {"error", 3},
    [LOG_WARN]  = {"warn",  4},
    [LOG_INFO]  = {"info",  6},
    [LOG_DEBUG] = {"debug", 7},
};
/* clang-format on */
#define LOG_LEVELS (sizeof log_levels / sizeof *log_levels)

static atomic_int log_threshold = LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static bool log_journal; /* stderr is the journal's */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* of the two below */
static char log_path[PATH_MAX];
static int log_file =
    -1; /* once open it keeps its number, so that no writer ever holds a closed one */

/* JOURNAL_STREAM is device:inode of the stream; we may have inherited it and have another stderr
 * (systemd.exec(5)). */
static void log_find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    uintmax_t device, inode;
    log_journal = stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
                  fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* "2026-11-23T20:31:02.123Z". Not with gmtime_r: that takes a lock and may allocate. */
static int log_time(char *out, size_t n)
{
    int64_t ms = clock_wall_ms();
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int64_t rest = ms - days * 86400000;
    /* the calendar of 400 years, each beginning in March, from 0000-03-01 on */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * march + 2) / 5 + 1;
    int64_t month = march < 10 ? march + 3 : march - 9;
    return snprintf(out, n, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u.%03uZ ",
                    year + era * 400 + (month <= 2), (unsigned)month, (unsigned)day,
                    (unsigned)(rest / 3600000), (unsigned)(rest / 60000 % 60),
                    (unsigned)(rest / 1000 % 60), (unsigned)(rest % 1000));
}

/* What was written of a line, after a snprintf that wanted got bytes into n. */
static size_t log_fitted(int got, size_t n)
{
    return got < 0 ? 0 : (size_t)got < n ? (size_t)got : n - 1;
}

static size_t log_head(char *line, size_t n, bool journal, enum log_level level)
{
    int got = journal ? snprintf(line, n, "<%d>", log_levels[level].syslog) : log_time(line, n);
    return log_fitted(got, n);
}

void log_event(enum log_level level, const char *id, const char *event, const char *fmt, ...)
{
    if ((int)level > atomic_load_explicit(&log_threshold, memory_order_relaxed))
        return;
    int saved = errno;
    pthread_once(&log_once, log_find_journal);
    int fd = atomic_load(&log_fd);
    char line[LOG_LINE_BYTES];
    size_t room = sizeof line;
    size_t n = log_head(line, room, log_journal && fd == STDERR_FILENO, level);
    n += log_fitted(
        snprintf(line + n, room - n, "%s %s %s ", log_levels[level].name, id ? id : "-", event),
        room - n);
    va_list ap;
    va_start(ap, fmt);
    int got = vsnprintf(line + n, room - n, fmt, ap);
    va_end(ap);
    bool cut = got >= 0 && (size_t)got >= room - n;
    n += log_fitted(got, room - n);
    if (cut)
        memcpy(line + n - 3, "...", 3);
    for (size_t i = 0; i < n; i++) /* an event is one line, whatever its values are */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    while (n > 0 && line[n - 1] == ' ')
        n--;
    line[n++] = '\n';
    while (write(fd, line, n) < 0 && errno == EINTR)
        continue;
    errno = saved;
}

struct log_escaped log_escape(struct span s)
{
    static const char hex[] = "0123456789abcdef";
    static const char dots[] = "...";
    struct log_escaped out;
    size_t n = 0, whole = 0; /* whole: the last place from which the dots still fit */
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        if (n + (plain ? 1 : 4) >= sizeof out.text) {
            memcpy(out.text + whole, dots, sizeof dots);
            return out;
        }
        if (plain) {
            out.text[n++] = (char)c;
        } else {
            memcpy(out.text + n, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
            n += 4;
        }
        if (n + sizeof dots <= sizeof out.text)
            whole = n;
    }
    out.text[n] = '\0';
    return out;
}

void log_level(enum log_level level)
{
    atomic_store(&log_threshold, (int)level);
}

/* With log_lock. The new file takes over the old one's number in one step. */
static bool log_open_path(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    if (log_file < 0) {
        log_file = fd;
    } else {
        int moved = dup3(fd, log_file, O_CLOEXEC);
        int saved = errno;
        close(fd);
        errno = saved;
        if (moved < 0)
            return false;
    }
    atomic_store(&log_fd, log_file);
    return true;
}

bool log_open(const char *path)
{
    bool opened = true;
    pthread_mutex_lock(&log_lock);
    if (!path) {
        atomic_store(&log_fd, STDERR_FILENO);
        log_path[0] = '\0';
    } else if (strlen(path) >= sizeof log_path) {
        errno = ENAMETOOLONG;
        opened = false;
    } else {
        opened = log_open_path(path);
        if (opened)
            memcpy(log_path, path, strlen(path) + 1);
    }
    int saved = errno;
    pthread_mutex_unlock(&log_lock);
    errno = saved;
    return opened;
}

void log_reopen(void)
{
    pthread_mutex_lock(&log_lock);
    bool opened = !log_path[0] || log_open_path(log_path);
    int saved = errno;
    pthread_mutex_unlock(&log_lock);
    if (!opened) /* the old file stays in use */
        log_event(LOG_ERROR, NULL, "log.reopen", "errno=%d", saved);
}

bool log_level_named(struct span name, enum log_level *out)
{
    for (size_t i = 0; i < LOG_LEVELS; i++) {
        if (span_eq(name, span_cstr(log_levels[i].name))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}
