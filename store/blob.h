#pragma once /* store/blob.h: bodies: written as they stream in, counted, never changed */
#include "common/arena.h"
#include "store/blob_chunk.h"
#include "store/committer.h"

/* A body is kept in chunks. Full chunks are written ahead by operations of their own that nothing refers to; the operation that
 * makes the message writes the last chunk and the body's row. What nothing names is swept at start and by housekeeping. */
/* So many full chunks may be on their way to the disk before blob_busy. */
#define BLOB_AHEAD_COUNT 4

/* One body on its way in. Belongs to the thread of home. */
struct blob_writer;

/* ready(arg) is called on home whenever blob_busy or blob_in_flight may have become false. May be NULL for callers who only use blob_wait. */
struct blob_writer *blob_begin(struct store *st, struct post *home, void (*ready)(void *arg),
                               void *arg);
void blob_write(struct blob_writer *w, struct span piece); /* copies; any size */
bool blob_busy(const struct blob_writer *w);               /* pause the source */
bool blob_in_flight(
    const struct blob_writer
        *w); /* chunks are on their way: wait before submitting blob_put's operation */
/* All is written: packs the last chunk here and now, so that the committer need not. May be left out. */
void blob_seal(struct blob_writer *w);
/* All is written: the last chunk goes ahead too, so that the writer keeps next to no memory while it waits for blob_put. Instead of blob_seal;
 * blob_in_flight follows. */
void blob_land(struct blob_writer *w);
uint64_t blob_written(const struct blob_writer *w);
/* ERR_OK, or what became of a chunk. */
enum err blob_state(const struct blob_writer *w, struct fault *f);
/* Inside apply, with nothing in flight: makes the body with that outline and refs references. Repeatable. */
enum err blob_put(struct txn *t, struct blob_writer *w, struct span outline, uint32_t refs,
                  uint64_t *id_out, struct fault *f);
/* Ends the writer. put_done: blob_put has been committed; else the chunks written ahead are dropped. NULL is fine. May be called with chunks in flight. */
void blob_end(struct blob_writer **w, bool put_done);

/* --- bodies that are there; ids are never given twice --- */
struct blob_info {
    uint64_t bytes;
    uint32_t refs, chunks;
};
enum err blob_info(struct txn *t, uint64_t id, struct blob_info *out, struct fault *f);
enum err blob_outline(struct txn *t, uint64_t id, struct buf *record_out,
                      struct fault *f); /* replaces */
/* Appends bytes [at, at + n) to out, fewer at the end of the body. */
enum err blob_read(struct txn *t, uint64_t id, uint64_t at, size_t n, struct buf *out,
                   struct fault *f);
/* In a write transaction: one reference more, or one less; at none the body goes. */
enum err blob_keep(struct txn *t, uint64_t id, uint32_t more, struct fault *f);
enum err blob_drop(struct txn *t, uint64_t id, struct fault *f);
/* For dump_load, which writes the rows itself: ids given from now on are larger than id. */
enum err blob_raise(struct txn *t, uint64_t id, struct fault *f);
