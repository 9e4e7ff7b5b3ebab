#include "store/txn.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/io.h"
#include "store/state.h"

#include <db.h>
#include <pthread.h>

/* THE GATE. Berkeley DB lets a snapshot see a transaction as soon as its commit record is in the log buffer, before the flush
 * that puts it on disk has come back (tried with 5.3.28: a snapshot whose first read happened during the fsync saw the new
 * value). Nobody may see what a crash could still take back, and nobody may wait for the disk. So before each commit
 * the committer begins a few snapshots, which by then can see the last commit only; readers that come during the flush
 * are lent one of these, and give it back for the next reader of the same flush. A snapshot is fixed by its first read,
 * hence txn_touch. Only when all are lent a reader waits for the flush; the number of snapshots follows the demand. */
#define TXN_GATE_LEAST 2
#define TXN_GATE_MOST 64

struct txn_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool flushing;
    uint64_t flush;      /* number of the flush */
    struct txn *ready;   /* snapshots to lend */
    unsigned lent, peak; /* during this flush */
    unsigned wanted;     /* snapshots for the next flush */
    atomic_ulong waits;
};

struct txn_gate *txn_gate_new(void)
{
    struct txn_gate *g = mem_new(struct txn_gate);
    must(pthread_mutex_init(&g->mutex, NULL) == 0);
    must(pthread_cond_init(&g->changed, NULL) == 0);
    g->wanted = TXN_GATE_LEAST;
    return g;
}

void txn_gate_free(struct txn_gate **g)
{
    if (!*g)
        return;
    (void)pthread_cond_destroy(&(*g)->changed);
    (void)pthread_mutex_destroy(&(*g)->mutex);
    mem_free(*g);
    *g = NULL;
}

unsigned long txn_gate_waits(struct store *st)
{
    return atomic_load(&st->gate->waits);
}

/* --- snapshots --- */

/* Reads something, which fixes what the snapshot sees. */
static int txn_touch(struct txn *t)
{
    DBT key = {.data = (char[]){"format"}, .size = 6},
        value = {.flags = DB_DBT_PARTIAL | DB_DBT_USERMEM};
    DB *meta = t->store->tables[TABLE_META];
    int error = meta->get(meta, t->db, &key, &value, 0);
    return error == DB_NOTFOUND ? 0 : error;
}

static void txn_snapshot_free(struct txn *t)
{
    (void)t->db->abort(t->db); /* nothing to undo: it only lets go */
    mem_free(t);
}

static int txn_snapshot_new(struct store *st, struct txn **out)
{
    struct txn *t = mem_new(struct txn);
    t->store = st;
    int error = st->env->txn_begin(st->env, NULL, &t->db, DB_TXN_SNAPSHOT);
    if (error) {
        mem_free(t);
        return error;
    }
    error = txn_touch(t);
    if (error)
        txn_snapshot_free(t);
    else
        *out = t;
    return error;
}

static struct txn *txn_gate_lend(struct txn_gate *g)
{
    struct txn *t = g->ready;
    g->ready = t->next;
    t->next = NULL;
    t->lent = g->flush;
    g->lent++;
    if (g->lent > g->peak)
        g->peak = g->lent;
    return t;
}

enum err txn_read(struct store *st, struct txn **out, struct fault *f)
{
    struct txn_gate *g = st->gate;
    int error = 0;
    (void)pthread_mutex_lock(&g->mutex);
    if (g->flushing && !g->ready)
        atomic_fetch_add(&g->waits, 1);
    while (g->flushing && !g->ready) {
        g->peak = g->lent + 1;
        (void)pthread_cond_wait(&g->changed, &g->mutex);
    }
    if (g->flushing)
        *out = txn_gate_lend(g);
    else
        error = txn_snapshot_new(st, out);
    (void)pthread_mutex_unlock(&g->mutex);
    return error ? io_fault(f, error, "begin to read") : ERR_OK;
}

void txn_read_end(struct txn **t)
{
    if (!*t)
        return;
    must(!(*t)->writes);
    struct txn_gate *g = (*t)->store->gate;
    bool kept = false;
    if ((*t)->lent > 0) {
        (void)pthread_mutex_lock(&g->mutex);
        kept = g->flushing && (*t)->lent == g->flush;
        if (kept) {
            (*t)->next = g->ready;
            g->ready = *t;
            g->lent--;
            (void)pthread_cond_signal(&g->changed);
        }
        (void)pthread_mutex_unlock(&g->mutex);
    }
    if (!kept)
        txn_snapshot_free(*t);
    *t = NULL;
}

/* From here on snapshots are of the last commit. */
static void txn_gate_shut(struct store *st)
{
    struct txn_gate *g = st->gate;
    (void)pthread_mutex_lock(&g->mutex);
    for (unsigned i = 0; i < g->wanted; i++) {
        struct txn *t;
        if (txn_snapshot_new(st, &t) != 0)
            break; /* with fewer of them readers may wait: no more than that */
        t->next = g->ready;
        g->ready = t;
    }
    g->flush++;
    g->lent = g->peak = 0;
    g->flushing = true;
    (void)pthread_mutex_unlock(&g->mutex);
}

static void txn_gate_open(struct store *st)
{
    struct txn_gate *g = st->gate;
    (void)pthread_mutex_lock(&g->mutex);
    struct txn *left = g->ready;
    g->ready = NULL;
    g->flushing = false;
    unsigned wanted = g->peak + 1;
    if (wanted < g->wanted)
        wanted = g->wanted - 1; /* slowly back */
    g->wanted = wanted < TXN_GATE_LEAST  ? TXN_GATE_LEAST
                : wanted > TXN_GATE_MOST ? TXN_GATE_MOST
                                         : wanted;
    (void)pthread_cond_broadcast(&g->changed);
    (void)pthread_mutex_unlock(&g->mutex);
    while (left) {
        struct txn *next = left->next;
        txn_snapshot_free(left);
        left = next;
    }
}

/* --- what both kinds know --- */

struct store *txn_store(const struct txn *t)
{
    return t->store;
}

bool txn_writes(const struct txn *t)
{
    return t->writes;
}

const struct actor *txn_actor(const struct txn *t)
{
    must(t->actor);
    return t->actor;
}

/* --- numbers that are given once --- */

uint64_t txn_modseq(struct txn *t)
{
    must(t->writes);
    if (t->modseq == 0)
        t->modseq = ++t->used.modseq;
    return t->modseq;
}

enum err txn_new_id(struct txn *t, uint64_t *out, struct fault *f)
{
    must(t->writes);
    (void)f;
    *out = ++t->used.id;
    return ERR_OK;
}

enum err txn_new_uidvalidity(struct txn *t, uint32_t *out, struct fault *f)
{
    must(t->writes);
    if (t->used.uidvalidity >= UINT32_MAX)
        return fault_set(f, ERR_LIMIT, "no UIDVALIDITY is left");
    *out = (uint32_t)++t->used.uidvalidity;
    return ERR_OK;
}

void txn_raise(struct txn *t, uint64_t modseq, uint64_t id, uint32_t uidvalidity)
{
    must(t->writes);
    if (t->used.modseq < modseq)
        t->used.modseq = modseq;
    if (t->used.id < id)
        t->used.id = id;
    if (t->used.uidvalidity < uidvalidity)
        t->used.uidvalidity = uidvalidity;
}

void txn_set_counters(struct txn *t, uint64_t modseq, uint64_t id, uint32_t uidvalidity)
{
    must(t->writes);
    t->used = (struct txn_counters){.modseq = modseq, .id = id, .uidvalidity = uidvalidity};
}

/* clang-format off */
static const struct {
    struct span key;
    size_t at;
} txn_counter_rows[] = {
    {{"modseq", 6},       offsetof(struct txn_counters, modseq)},
    {{"id", 2},           offsetof(struct txn_counters, id)},
    {{"uidvalidity", 11}, offsetof(struct txn_counters, uidvalidity)},
};
/* clang-format on */
#define TXN_COUNTERS (sizeof txn_counter_rows / sizeof *txn_counter_rows)

static uint64_t *txn_counter(struct txn_counters *c, size_t i)
{
    return (uint64_t *)(void *)((char *)c + txn_counter_rows[i].at);
}

static enum err txn_counters_save(struct txn *t, struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < TXN_COUNTERS && e == ERR_OK; i++) {
        uint64_t now = *txn_counter(&t->used, i);
        if (now != *txn_counter(&t->kept, i))
            e = table_put_u64(t, TABLE_META, txn_counter_rows[i].key, now, f);
    }
    return e;
}

static enum err txn_counters_load(struct txn *t, struct fault *f)
{
    struct txn *reader;
    enum err e = txn_read(t->store, &reader, f);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < TXN_COUNTERS && e == ERR_OK; i++) {
        e = table_get_u64(reader, TABLE_META, txn_counter_rows[i].key, txn_counter(&t->kept, i), f);
        if (e == ERR_NOTFOUND)
            e = ERR_OK;
    }
    txn_read_end(&reader);
    t->used = t->kept;
    return e;
}

/* --- the committer's --- */

enum err txn_write_new(struct store *st, struct txn **out, struct fault *f)
{
    struct txn *t = mem_new(struct txn);
    t->store = st;
    t->writes = true;
    enum err e = txn_counters_load(t, f);
    if (e == ERR_OK)
        *out = t;
    else
        mem_free(t);
    return e;
}

void txn_write_free(struct txn **t)
{
    if (!*t)
        return;
    must(!(*t)->db && (*t)->told_n == 0);
    mem_free((*t)->told);
    mem_free(*t);
    *t = NULL;
}

enum err txn_write_begin(struct txn *t, struct fault *f)
{
    must(!t->db && t->told_n == 0);
    t->broken = false;
    t->written = t->written_before = 0;
    t->used = t->kept;
    DB_ENV *env = t->store->env;
    int error = env->txn_begin(env, NULL, &t->db, 0);
    return error ? io_fault(f, error, "begin to write") : ERR_OK;
}

void txn_write_op(struct txn *t, const struct actor *actor)
{
    t->actor = actor;
    t->modseq = 0;
    t->written_before = t->written;
    t->told_before = t->told_n;
}

bool txn_write_touched(const struct txn *t)
{
    return t->written != t->written_before;
}

static void txn_told_cut(struct txn *t, size_t n)
{
    while (t->told_n > n)
        mem_free(t->told[--t->told_n].note);
}

void txn_write_skip(struct txn *t)
{
    txn_told_cut(t, t->told_before);
}

void txn_announce(struct txn *t, unsigned home, struct post_note *note)
{
    must(t->writes);
    if (home >= t->store->home_count) {
        mem_free(note); /* nobody is at home */
        return;
    }
    if (t->told_n == t->told_cap) {
        t->told_cap = t->told_cap ? t->told_cap * 2 : 64;
        t->told = mem_grow(t->told, t->told_cap * sizeof *t->told);
    }
    t->told[t->told_n++] = (struct txn_told){home, note};
}

void txn_write_told_clear(struct txn *t)
{
    t->told_n = 0;
}

static void txn_write_over(struct txn *t)
{
    t->db = NULL;
    t->actor = NULL;
}

void txn_write_abort(struct txn *t)
{
    (void)t->db->abort(t->db); /* a failure is a panic, and ends the process in store.c */
    txn_write_over(t);
    txn_told_cut(t, 0);
    t->used = t->kept;
}

enum err txn_write_commit(struct txn *t, struct fault *f)
{
    enum err e = txn_counters_save(t, f);
    if (e != ERR_OK) {
        txn_write_abort(t);
        return e;
    }
    bool flushes = t->written > 0;
    if (flushes)
        txn_gate_shut(t->store);
    int error = t->db->commit(t->db, DB_TXN_SYNC); /* undoes it where it fails */
    if (flushes)
        txn_gate_open(t->store);
    txn_write_over(t);
    if (error) {
        txn_told_cut(t, 0);
        t->used = t->kept;
        return io_fault(f, error, "commit");
    }
    t->kept = t->used;
    return ERR_OK;
}
