#include "store/housekeeping.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/bin.h"
#include "store/index_build.h"
#include "store/io.h"
#include "store/space.h"
#include "store/state.h"

#include <db.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUSEKEEPING_POLL_MS 200u
/* After work on the index; twice as long after each turn without. */
#define HOUSEKEEPING_BUSY_MS 10u
#define HOUSEKEEPING_INDEX_NICE 15
#define HOUSEKEEPING_EXPIRY_MS 60000
#define HOUSEKEEPING_SLICE_COUNT 500u /* rows dropped by one operation */
#define HOUSEKEEPING_CLEAN_PERCENT 50 /* of the cache */
#define HOUSEKEEPING_DAY_S INT64_C(86400)

struct housekeeping {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t stop;
    bool stopping;
    uint64_t expired; /* clock_ms */
    struct index_build *index;
    pthread_t index_thread;
    bool failing; /* the last checkpoint did not get through */
    unsigned long
        flushed; /* batches that were in the tables at the last checkpoint below the low-water mark */
};

/* --- the log --- */

/* A log file that recovery does not need is kept for its hours: a backup plus all logs since heals torn pages. */
static bool housekeeping_is_old(const struct store *st, const char *path)
{
    struct stat is;
    if (st->options.log_keep_hours == 0)
        return true;
    return stat(path, &is) == 0 &&
           clock_wall() - (int64_t)is.st_mtime >= (int64_t)st->options.log_keep_hours * 3600;
}

static enum err housekeeping_remove_logs(struct store *st, struct fault *f)
{
    char **names = NULL;
    int error = st->env->log_archive(st->env, &names, DB_ARCH_ABS);
    if (error)
        return io_fault(f, error, "list old logs");
    for (char **name = names; name && *name; name++) {
        if (housekeeping_is_old(st, *name) && unlink(*name) == 0)
            log_event(LOG_DEBUG, NULL, "store.log_removed", "file=%s", *name);
    }
    mem_free(names); /* one piece of memory, from Berkeley DB's malloc, which is ours */
    return ERR_OK;
}

enum err housekeeping_checkpoint(struct store *st, bool force, struct fault *f)
{
    u_int32_t kilobytes = force ? 0 : (u_int32_t)(st->options.checkpoint_bytes >> 10);
    int error = st->env->txn_checkpoint(st->env, kilobytes, 0, force ? DB_FORCE : 0);
    if (error)
        return io_fault(f, error, "checkpoint");
    return housekeeping_remove_logs(st, f);
}

/* --- expiry --- */

struct housekeeping_slice {
    struct store_op op;
    enum err (*expire)(struct txn *t, int64_t before, unsigned max, unsigned *gone_out,
                       struct fault *f);
    int64_t before;
    unsigned gone;
};

static enum err housekeeping_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct housekeeping_slice *s = (struct housekeeping_slice *)(void *)op;
    s->gone = 0;
    return s->expire(t, s->before, HOUSEKEEPING_SLICE_COUNT, &s->gone, f);
}

static bool housekeeping_stopping(struct housekeeping *h)
{
    (void)pthread_mutex_lock(&h->mutex);
    bool stopping = h->stopping;
    (void)pthread_mutex_unlock(&h->mutex);
    return stopping;
}

static void housekeeping_expire(struct housekeeping *h, const char *what, unsigned days,
                                enum err (*expire)(struct txn *, int64_t, unsigned, unsigned *,
                                                   struct fault *))
{
    struct fault f = FAULT_NONE;
    struct housekeeping_slice s = {.op = {.apply = housekeeping_apply},
                                   .expire = expire,
                                   .before = clock_wall() - days * HOUSEKEEPING_DAY_S};
    unsigned long gone = 0;
    enum err e;
    do {
        e = committer_run(h->store, &s.op, &f);
        gone += e == ERR_OK ? s.gone : 0;
    } while (e == ERR_OK && s.gone == HOUSEKEEPING_SLICE_COUNT && !housekeeping_stopping(h));
    if (e != ERR_OK)
        log_event(LOG_WARN, NULL, "store.expiry_failed", "what=%s error=%s text=\"%s\"", what,
                  fault_name(e), LOG_SPAN(span_cstr(f.text)));
    else if (gone > 0)
        log_event(LOG_INFO, NULL, "store.expired", "what=%s rows=%lu", what, gone);
}

/* --- the thread --- */

/* With little room left the tables follow the log at once: so a disk that then fills up finds no page that waits for it, and neither
 * reads nor a recovery want room. Counted in batches: what is written during a checkpoint is not seen by the next one, unless it is
 * forced. */
static enum err housekeeping_follow(struct housekeeping *h, struct fault *f)
{
    unsigned long batches = committer_batches(h->store);
    bool force = space_is_low(h->store->space) && batches != h->flushed;
    enum err e = housekeeping_checkpoint(h->store, force, f);
    if (force && e == ERR_OK) {
        h->flushed = batches;
        log_event(LOG_DEBUG, NULL, "store.flushed", "batches=%lu", batches);
    }
    return e;
}

/* Changed pages go to the disk a few at a time, which leaves less for the checkpoint to do at once; and on a full disk, where
 * they cannot go, reads still find room in the cache. A failure is said once, not at every turn: a full disk stays
 * full for a while. */
static void housekeeping_bound_recovery(struct housekeeping *h)
{
    struct store *st = h->store;
    struct fault f = FAULT_NONE;
    if (!h->failing)
        (void)st->env->memp_trickle(st->env, HOUSEKEEPING_CLEAN_PERCENT, NULL);
    bool failed = housekeeping_follow(h, &f) != ERR_OK;
    if (failed && !h->failing)
        log_event(LOG_ERROR, NULL, "store.checkpoint_failed", "error=%s text=\"%s\"",
                  fault_name(f.kind), LOG_SPAN(span_cstr(f.text)));
    h->failing = failed;
}

static void housekeeping_turn(struct housekeeping *h)
{
    uint64_t now = clock_ms();
    space_look(h->store->space);
    space_mend(h->store->space);
    housekeeping_bound_recovery(h);
    if (now - h->expired >= HOUSEKEEPING_EXPIRY_MS) {
        h->expired = now;
        housekeeping_expire(h, "bin", h->store->options.bin_days, bin_expire);
        housekeeping_expire(h, "changes", h->store->options.changes_days, changes_expire);
    }
}

/* Waits for the next turn; false: stop. Real time: a frozen clock does not stop checkpoints. */
static bool housekeeping_wait(struct housekeeping *h, unsigned ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_mutex_lock(&h->mutex);
    while (!h->stopping && pthread_cond_timedwait(&h->stop, &h->mutex, &until) == 0)
        continue;
    bool go_on = !h->stopping;
    (void)pthread_mutex_unlock(&h->mutex);
    return go_on;
}

static void *housekeeping_main(void *arg)
{
    struct housekeeping *h = arg;
    while (housekeeping_wait(h, HOUSEKEEPING_POLL_MS))
        housekeeping_turn(h);
    return NULL;
}

/* The index is built by a thread of its own, so that checkpoints do not wait for it, and with what the others leave of the
 * processors: in a flood of mail it falls behind, and searches read more. */
static void *housekeeping_index_main(void *arg)
{
    struct housekeeping *h = arg;
    unsigned pause_ms = HOUSEKEEPING_POLL_MS;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), HOUSEKEEPING_INDEX_NICE);
    while (housekeeping_wait(h, pause_ms)) {
        if (index_build_slice(h->index))
            pause_ms = 0;
        else
            pause_ms = pause_ms == 0 ? HOUSEKEEPING_BUSY_MS : pause_ms * 2;
        if (pause_ms > HOUSEKEEPING_POLL_MS)
            pause_ms = HOUSEKEEPING_POLL_MS;
    }
    return NULL;
}

struct index_build *housekeeping_index(const struct store *st)
{
    return st->housekeeping->index;
}

struct housekeeping *housekeeping_new(struct store *st)
{
    struct housekeeping *h = mem_new(struct housekeeping);
    h->store = st;
    h->expired = clock_ms();
    h->index = index_build_new(st);
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&h->stop, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
    must(pthread_mutex_init(&h->mutex, NULL) == 0);
    must(pthread_create(&h->thread, NULL, housekeeping_main, h) == 0);
    must(pthread_create(&h->index_thread, NULL, housekeeping_index_main, h) == 0);
    return h;
}

void housekeeping_free(struct housekeeping **hp)
{
    struct housekeeping *h = *hp;
    if (!h)
        return;
    (void)pthread_mutex_lock(&h->mutex);
    h->stopping = true;
    (void)pthread_cond_broadcast(&h->stop);
    (void)pthread_mutex_unlock(&h->mutex);
    (void)pthread_join(h->thread, NULL);
    (void)pthread_join(h->index_thread, NULL);
    (void)pthread_cond_destroy(&h->stop);
    (void)pthread_mutex_destroy(&h->mutex);
    index_build_free(&h->index);
    mem_free(h);
    *hp = NULL;
}
