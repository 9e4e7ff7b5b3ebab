#include "store/store.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/blob_ids.h"
#include "store/housekeeping.h"
#include "store/io.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/space.h"
#include "store/state.h"

#include <db.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define STORE_PAGE_BYTES                                                                           \
    4096u /* what disks write whole; cannot be changed later without dump and load */
#define STORE_LOG_BUFFER_BYTES (4u << 20) /* a batch is one write */
#define STORE_TXN_COUNT 16384u
#define STORE_COMPLAINT_COUNT 10u /* lines a second */
#define STORE_PANIC_EXIT_CODE 70  /* EX_SOFTWARE of sysexits.h */

const struct store_options store_options_default = {
    .cache_bytes = 256u << 20,
    .low_water_bytes = (256u + 64u) << 20,
    .ballast_bytes = 64u << 20,
    .checkpoint_bytes = 32u << 20,
    .log_keep_hours = 0,
    .bin_days = 14,
    .changes_days = 30,
    .batch_count = 256,
};

/* clang-format off */
static const char *const store_files[] = {
    [TABLE_META]         = "meta.db",
    [TABLE_DOMAIN]       = "domain.db",
    [TABLE_ACCOUNT]      = "account.db",
    [TABLE_ALIAS]        = "alias.db",
    [TABLE_NAME]         = "name.db",
    [TABLE_SUBSCRIPTION] = "subscription.db",
    [TABLE_MAILBOX]      = "mailbox.db",
    [TABLE_KEYWORD]      = "keyword.db",
    [TABLE_MSG]          = "msg.db",
    [TABLE_BODY]         = "body.db",
    [TABLE_OUTLINE]      = "outline.db",
    [TABLE_CHUNK]        = "chunk.db",
    [TABLE_PENDING]      = "pending.db",
    [TABLE_CHANGES]      = "changes.db",
    [TABLE_BIN]          = "bin.db",
    [TABLE_GLANCE]       = "glance.db",
    [TABLE_DIGEST]       = "digest.db",
    [TABLE_THREAD]       = "thread.db",
    [TABLE_INDEX]        = "index.db",
    [TABLE_ACL]          = "acl.db",
    [TABLE_METADATA]     = "metadata.db",
    [TABLE_QUOTA]        = "quota.db",
    [TABLE_PASSWORD]     = "password.db",
};
/* clang-format on */
_Static_assert(sizeof store_files / sizeof *store_files == TABLE_COUNT, "a table has no file");

/* --- what Berkeley DB tells --- */

/* On a full disk it complains about every page. */
static bool store_may_complain(struct store *st)
{
    uint_fast64_t now = clock_ms() / 1000, second = atomic_load(&st->complaint_second);
    if (now != second && atomic_compare_exchange_strong(&st->complaint_second, &second, now))
        atomic_store(&st->complaints, 0);
    return atomic_fetch_add(&st->complaints, 1) < STORE_COMPLAINT_COUNT;
}

static void store_complain(const DB_ENV *env, const char *prefix, const char *text)
{
    (void)prefix;
    if (store_may_complain(env->app_private))
        log_event(LOG_ERROR, NULL, "store.bdb", "text=\"%s\"", LOG_SPAN(span_cstr(text)));
}

static void store_remark(const DB_ENV *env, const char *text)
{
    (void)env;
    log_event(LOG_INFO, NULL, "store.bdb", "text=\"%s\"", LOG_SPAN(span_cstr(text)));
}

/* After a panic every call fails for ever, while a new process would recover. */
static void store_event(DB_ENV *env, u_int32_t event, void *info)
{
    (void)info;
    struct store *st = env->app_private;
    if (event != DB_EVENT_PANIC || !atomic_load(&st->open))
        return;
    log_event(LOG_ERROR, NULL, "store.panic", "next=\"start again: recovery runs\"");
    _exit(STORE_PANIC_EXIT_CODE);
}

/* --- opening, a step a function --- */

static enum err store_refuse_config(struct store *st, struct fault *f)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/DB_CONFIG", st->dir);
    if (access(path, F_OK) == 0)
        return fault_set(f, ERR_INVALID, "%s would overrule us without a word: remove it", path);
    return ERR_OK;
}

/* Sums up what was set before the environment is opened; 0 or the first error. */
static int store_set_env(struct store *st)
{
    DB_ENV *env = st->env;
    const struct store_options *o = &st->options;
    env->app_private = st;
    env->set_errcall(env, store_complain);
    env->set_msgcall(env, store_remark);
    int error = env->set_event_notify(env, store_event);
    if (!error)
        error = env->set_cachesize(env, (u_int32_t)(o->cache_bytes >> 30),
                                   (u_int32_t)(o->cache_bytes & ((1u << 30) - 1)), 1);
    if (!error)
        error = env->set_lg_bsize(env, STORE_LOG_BUFFER_BYTES);
    if (!error)
        error = env->set_lg_max(env, STORE_LOG_FILE_BYTES);
    if (!error) /* a page in the cache holds on to the transaction that wrote it, for snapshots to judge by */
        error =
            env->set_tx_max(env, STORE_TXN_COUNT + (u_int32_t)(o->cache_bytes / STORE_PAGE_BYTES));
    if (!error)
        error = env->set_lk_detect(env, DB_LOCK_MINWRITE);
    return error;
}

static enum err store_not_recovered(struct store *st, int error, struct fault *f)
{
    const char *dir = st->dir;
    enum err e = io_fault(f, error, "recover");
    space_look(st->space);
    if (e == ERR_CORRUPT && space_is_low(st->space))
        e = ERR_FULL; /* which recovery answers with a panic */
    switch (e) {
    case ERR_FULL:
        return fault_set(f, e,
                         "%s: no room to recover (%s): free space on its disk and start again", dir,
                         db_strerror(error));
    case ERR_IO:
        return fault_set(f, e, "%s: cannot be opened: %s", dir, db_strerror(error));
    case ERR_OK:
    case ERR_NOTFOUND:
    case ERR_EXISTS:
    case ERR_DENIED:
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_QUOTA:
    case ERR_BUSY:
    case ERR_CORRUPT:
    case ERR_COUNT:
        break;
    }
    return fault_set(f, ERR_CORRUPT,
                     "%s: recovery failed (%s): keep a copy of the directory, then restore a "
                     "backup and its logs "
                     "with catastrophic recovery (db5.3_recover -c)",
                     dir, db_strerror(error));
}

static enum err store_open_env(struct store *st, struct fault *f)
{
    int error = db_env_create(&st->env, 0);
    if (error) {
        st->env = NULL;
        return io_fault(f, error, "make an environment");
    }
    error = store_set_env(st);
    if (error)
        return io_fault(f, error, "set up the environment");
    error = st->env->open(st->env, st->dir,
                          DB_CREATE | DB_PRIVATE | DB_THREAD | DB_INIT_TXN | DB_INIT_LOG |
                              DB_INIT_MPOOL | DB_INIT_LOCK | DB_RECOVER,
                          0600);
    return error ? store_not_recovered(st, error, f) : ERR_OK;
}

/* What is acknowledged must be on disk: nothing may have told Berkeley DB otherwise. */
static enum err store_check_flags(struct store *st, struct fault *f)
{
    u_int32_t flags = 0;
    int in_memory = 0;
    int error = st->env->get_flags(st->env, &flags);
    if (!error)
        error = st->env->log_get_config(st->env, DB_LOG_IN_MEMORY, &in_memory);
    if (error)
        return io_fault(f, error, "read the environment's flags");
    if ((flags & (DB_TXN_NOSYNC | DB_TXN_WRITE_NOSYNC)) || in_memory)
        return fault_set(f, ERR_INVALID, "the environment would not write its log to the disk");
    return ERR_OK;
}

static enum err store_open_table(struct store *st, enum table table, struct fault *f)
{
    DB *db;
    int error = db_create(&db, st->env, 0);
    if (error)
        return io_fault(f, error, store_files[table]);
    st->tables[table] = db;
    error = db->set_flags(db, DB_CHKSUM);
    if (!error)
        error = db->set_pagesize(db, STORE_PAGE_BYTES);
    if (!error)
        error = db->open(db, NULL, store_files[table], NULL, DB_BTREE,
                         DB_CREATE | DB_AUTO_COMMIT | DB_THREAD | DB_MULTIVERSION, 0600);
    return error ? io_fault(f, error, store_files[table]) : ERR_OK;
}

static enum err store_open_tables(struct store *st, struct fault *f)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < TABLE_COUNT && e == ERR_OK; i++)
        e = store_open_table(st, (enum table)i, f);
    return e;
}

/* Of a new store: the format, and a first UIDVALIDITY that a former store of the same name is unlikely to have given. */
static enum err store_format_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)op;
    uint64_t format = 0;
    enum err e = table_get_u64(t, TABLE_META, SPAN("format"), &format, f);
    if (e == ERR_OK && format != SCHEMA_FORMAT)
        return fault_set(f, ERR_INVALID,
                         "the store has format %" PRIu64
                         ", this program reads format %d: dump it with "
                         "the version that wrote it",
                         format, SCHEMA_FORMAT);
    if (e != ERR_NOTFOUND)
        return e;
    int64_t now = clock_wall();
    txn_raise(t, 0, 0, now > 0 && now < INT32_MAX ? (uint32_t)now : 0);
    return table_put_u64(t, TABLE_META, SPAN("format"), SCHEMA_FORMAT, f);
}

static enum err store_open_all(struct store *st, struct fault *f)
{
    enum err e = store_refuse_config(st, f);
    if (e != ERR_OK)
        return e;
    space_before_recovery(st->space);
    e = store_open_env(st, f);
    if (e == ERR_OK)
        e = store_check_flags(st, f);
    if (e == ERR_OK)
        e = store_open_tables(st, f);
    if (e != ERR_OK)
        return e;
    atomic_store(&st->open, true);
    e = committer_open(st, f);
    if (e != ERR_OK)
        return e;
    struct store_op format = {.apply = store_format_apply};
    e = committer_run(st, &format, f);
    if (e == ERR_OK)
        e = blob_open(st, f);
    if (e == ERR_OK)
        e = housekeeping_checkpoint(st, true, f); /* the next recovery starts here */
    return e;
}

static struct store *store_new(const struct store_options *o, int lock)
{
    struct store *st = mem_new(struct store);
    st->options = *o;
    st->dir = mem_strdup(o->dir);
    st->options.dir = st->dir;
    st->lock = lock;
    st->gate = txn_gate_new();
    st->space = space_new(&st->options);
    return st;
}

enum err store_open(const struct store_options *o, struct store **out, struct fault *f)
{
    must(o->dir);
    uint64_t began = clock_ms();
    struct fault none = FAULT_NONE;
    f = f ? f : &none;
    int lock = -1;
    io_install();
    enum err e = lock_take(o->dir, &lock, f);
    if (e != ERR_OK)
        return e;
    struct store *st = store_new(o, lock);
    e = store_open_all(st, f);
    if (e != ERR_OK) {
        store_close(&st);
        return e;
    }
    space_look(st->space);
    st->housekeeping = housekeeping_new(st);
    log_event(LOG_INFO, NULL, "store.open", "ms=%" PRIu64 " free=%" PRIu64, clock_ms() - began,
              space_left(st->space));
    *out = st;
    return ERR_OK;
}

/* --- closing --- */

static void store_close_env(struct store *st)
{
    struct fault f = FAULT_NONE;
    bool was_open = atomic_load(&st->open);
    if (was_open && housekeeping_checkpoint(st, true, &f) != ERR_OK)
        log_event(LOG_WARN, NULL, "store.checkpoint_failed", "error=%s text=\"%s\"",
                  fault_name(f.kind), LOG_SPAN(span_cstr(f.text)));
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        if (st->tables[i])
            (void)st->tables[i]->close(st->tables[i],
                                       0); /* synced by the checkpoint; else recovery does it */
    }
    if (st->env)
        (void)st->env->close(st->env, 0);
    if (was_open)
        log_event(LOG_INFO, NULL, "store.closed", "clean=%d", f.kind == ERR_OK);
}

void store_stop(struct store *st)
{
    if (!st)
        return;
    housekeeping_free(&st->housekeeping);
    committer_stop(st);
}

void store_close(struct store **store)
{
    struct store *st = *store;
    if (!st)
        return;
    *store = NULL;
    store_stop(st);
    committer_close(st);
    store_close_env(st);
    blob_ids_close(st);
    if (st->hubs)
        changes_hubs_free(&st->hubs);
    mem_free(st->homes);
    txn_gate_free(&st->gate);
    space_free(&st->space);
    lock_release(&st->lock);
    mem_free(st->dir);
    mem_free(st);
}

/* --- asked about --- */

void store_homes(struct store *st, struct post **homes, unsigned n)
{
    must(!st->homes && n > 0);
    st->homes = mem_alloc(n * sizeof *homes);
    memcpy(st->homes, homes, n * sizeof *homes);
    st->home_count = n;
    st->hubs = changes_hubs_new(n);
}

unsigned store_home(const struct store *st, uint64_t account)
{
    return st->home_count ? (unsigned)(account % st->home_count) : 0;
}

struct changes_hubs *store_hubs(const struct store *st)
{
    return st->hubs;
}

bool store_is_low(const struct store *st)
{
    return space_is_low(st->space);
}

const struct store_options *store_options(const struct store *st)
{
    return &st->options;
}

static void store_cache_stats(struct store *st, struct buf *out)
{
    DB_MPOOL_STAT *m = NULL;
    if (st->env->memp_stat(st->env, &m, NULL, 0) != 0)
        return;
    (void)buf_addf(out, "cache_hits=%" PRIuMAX "\ncache_misses=%" PRIuMAX "\ncache_pages=%u\n",
                   (uintmax_t)m->st_cache_hit, (uintmax_t)m->st_cache_miss, m->st_pages);
    (void)buf_addf(out, "cache_dirty=%u\ncache_frozen=%" PRIuMAX "\n", m->st_page_dirty,
                   (uintmax_t)m->st_mvcc_frozen);
    mem_free(m);
}

static void store_txn_stats(struct store *st, struct buf *out)
{
    DB_LOCK_STAT *l = NULL;
    DB_TXN_STAT *t = NULL;
    if (st->env->lock_stat(st->env, &l, 0) == 0)
        (void)buf_addf(out, "deadlocks=%" PRIuMAX "\n", (uintmax_t)l->st_ndeadlocks);
    if (st->env->txn_stat(st->env, &t, 0) == 0)
        (void)buf_addf(out, "snapshots=%u\nsnapshots_max=%u\ntxns_max=%u\n", t->st_nsnapshot,
                       t->st_maxnsnapshot, t->st_maxnactive);
    mem_free(l);
    mem_free(t);
}

void store_stats(struct store *st, struct buf *out)
{
    committer_stats(st, out);
    (void)buf_addf(out, "reads_waited=%lu\ndisk_free=%" PRIu64 "\ndisk_low=%d\n",
                   txn_gate_waits(st), space_left(st->space), store_is_low(st));
    store_cache_stats(st, out);
    store_txn_stats(st, out);
}
