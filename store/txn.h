#pragma once /* store/txn.h: a transaction: a snapshot to read, or the committer's to write */
#include "store/actor.h"
#include "store/store.h"

struct txn;

/* A snapshot of what is committed and on disk now. Any thread; belongs to that thread. Keep it no longer than a slice: old
 * versions of pages stay in the cache as long as it lives. Never waits for a writer. */
enum err txn_read(struct store *st, struct txn **out, struct fault *f);
void txn_read_end(struct txn **t); /* NULL is fine */

struct store *txn_store(const struct txn *t);
bool txn_writes(const struct txn *t);
/* Of the operation that is being applied: larger than every MODSEQ ever given, the same all through the operation. RFC 7162 §3.1. */
uint64_t txn_modseq(struct txn *t);
const struct actor *txn_actor(const struct txn *t);
/* A number never given before, from a counter that is committed with the transaction: accounts, mailboxes. Never 0. */
enum err txn_new_id(struct txn *t, uint64_t *out, struct fault *f);
/* Likewise for UIDVALIDITY: rises for ever, independent of the clock (R4). Never 0. */
enum err txn_new_uidvalidity(struct txn *t, uint32_t *out, struct fault *f);

/* --- inside store/ --- */
/* In an operation: note (from mem_new, the first member of its struct; freed by its own run) goes to that home once the batch is on disk;
 * if the batch is undone it is freed by mem_free and the operation will announce anew. */
void txn_announce(struct txn *t, unsigned home, struct post_note *note);
/* Numbers given from now on are larger than these. */
void txn_raise(struct txn *t, uint64_t modseq, uint64_t id, uint32_t uidvalidity);
/* For dump_load into a store that has given none yet: the numbers given last are these. */
void txn_set_counters(struct txn *t, uint64_t modseq, uint64_t id, uint32_t uidvalidity);
