#pragma once /* store/store.h: the store as a whole: one directory, one environment, one process */
#include "common/fault.h"
#include "common/post.h"
#include "common/span.h"

#define STORE_LOG_FILE_BYTES (16u << 20) /* of one log file */

struct store;

struct store_options {
    const char *dir;    /* made (0700) if absent */
    size_t cache_bytes; /* Berkeley DB's cache */
    uint64_t
        low_water_bytes; /* free space below which new mail is refused; at least the cache and two log files */
    uint64_t ballast_bytes;    /* file given up before recovery on a full disk; 0: none */
    uint64_t checkpoint_bytes; /* of log between two checkpoints: bounds the time of recovery */
    unsigned log_keep_hours;   /* logs older than the last checkpoint stay so long; 0: go at once */
    unsigned bin_days;         /* expunged messages stay recoverable */
    unsigned changes_days;     /* the change log reaches back so far */
    unsigned batch_count;      /* operations in one transaction at most */
    /* What an account may keep that has no limits of its own (store/quota.h); 0: no limit */
    uint64_t quota_bytes;
    unsigned quota_messages, quota_mailboxes;
};
/* 256 MiB cache, 64 MiB low water above it, 64 MiB ballast, 32 MiB checkpoint, 0 h, 14 days, 30 days, 256. dir is NULL. */
extern const struct store_options store_options_default;

/* Locks the directory, refuses a DB_CONFIG in it, gives up the ballast if recovery needs the room, recovers, opens, sweeps what
 * nothing names, starts the committer and housekeeping. Afterwards everything acknowledged before is there.
 * ERR_BUSY: another process has the store. ERR_INVALID: DB_CONFIG, or a format of another version. ERR_FULL, ERR_IO, ERR_CORRUPT:
 * the text says what to do next. */
enum err store_open(const struct store_options *o, struct store **out, struct fault *f);
/* Runs the waiting operations; whoever submits one from now on is told ERR_BUSY. Between this and store_close the homes are
 * freed, so that what was sent to them is heard while the store still stands. May be left out where there are none. NULL is fine. */
void store_stop(struct store *st);
/* store_stop, checkpoints, closes. No transaction and no writer may be left. NULL is fine. */
void store_close(struct store **st);

/* The threads among which accounts are divided: an account's watchers live on its home. Call once before the first account is
 * touched; without it everything is at home nowhere and changes are not announced. */
void store_homes(struct store *st, struct post **homes, unsigned n);
unsigned store_home(const struct store *st, uint64_t account); /* index into homes */

/* Free space is below the low-water mark (any thread; looked at after each batch of writes). */
bool store_is_low(const struct store *st);
const struct store_options *store_options(const struct store *st);

/* For people: figures of the committer and the cache as "key=value" lines. */
struct buf;
void store_stats(struct store *st, struct buf *out);
