#pragma once /* store/state.h: what the rooms of store/ share; included nowhere else */
#include "store/blob.h"
#include "store/changes.h"
#include "store/committer.h"
#include "store/table.h"
#include <stdatomic.h>

struct __db;
struct __db_env;
struct __db_txn;

struct store {
    struct store_options options; /* dir is a copy of ours */
    char *dir;
    int lock;
    struct __db_env *env;
    struct __db *tables[TABLE_COUNT];
    atomic_bool open; /* recovery is over: a panic from now on ends the process */
    atomic_uint_fast64_t complaint_second; /* of clock_ms, and how many lines in it */
    atomic_uint complaints;
    struct txn_gate *gate;
    struct committer *committer;
    struct blob_ids *blob_ids;
    struct space *space;
    struct housekeeping *housekeeping;
    struct changes_hubs *hubs; /* these three from store_homes */
    struct post **homes;
    unsigned home_count;
};

/* Kept in TABLE_META and, as of the last commit, by the committer. Each is the last one given. */
struct txn_counters {
    uint64_t modseq, id, uidvalidity;
};

struct txn_told {
    unsigned home;
    struct post_note *note;
};

struct txn {
    struct store *store;
    struct __db_txn *db; /* NULL between two batches */
    bool writes;
    /* a snapshot */
    uint64_t lent; /* the flush during which the gate lent it; 0: begun for its reader alone */
    struct txn *next;
    /* the committer's, as long as the batch */
    struct txn_counters used, kept;
    struct txn_told *told;
    size_t told_n, told_cap;
    bool broken; /* Berkeley DB refused something: the batch can only be undone */
    struct fault why;
    unsigned long written_before;
    unsigned long written;
    /* as long as one operation */
    const struct actor *actor;
    uint64_t modseq;
    size_t told_before;
};

/* --- txn.c: the gate that keeps what is not yet on disk out of snapshots --- */
struct txn_gate *txn_gate_new(void);
void txn_gate_free(struct txn_gate **g);
unsigned long txn_gate_waits(struct store *st);

/* --- txn.c: the committer's transaction; one struct for the whole life of the store --- */
enum err txn_write_new(struct store *st, struct txn **out,
                       struct fault *f); /* reads the counters */
void txn_write_free(struct txn **t);
enum err txn_write_begin(struct txn *t, struct fault *f);
/* Between begin and the end: what follows belongs to an operation of that actor. */
void txn_write_op(struct txn *t, const struct actor *actor);
/* Whether the operation has changed anything. */
bool txn_write_touched(const struct txn *t);
/* Forgets what an operation that touched nothing has announced. */
void txn_write_skip(struct txn *t);
/* Ends the transaction either way. After ERR_OK told holds what to announce; txn_write_told_clear when that is done. */
enum err txn_write_commit(struct txn *t, struct fault *f);
void txn_write_abort(struct txn *t);
void txn_write_told_clear(struct txn *t);

/* --- committer.c --- */
/* Starts the thread. */
enum err committer_open(struct store *st, struct fault *f);
/* Runs what waits, refuses what comes; ends the thread. */
void committer_stop(struct store *st);
void committer_close(struct store *st);                  /* after committer_stop */
unsigned long committer_batches(const struct store *st); /* so far; any thread */
void committer_stats(struct store *st, struct buf *out);

/* --- blob.c --- */
/* Reserves ids and drops the chunks that nothing names. The committer runs. */
enum err blob_open(struct store *st, struct fault *f);
