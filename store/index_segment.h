#pragma once /* store/index_segment.h: segments of the index: written, read into memory, dropped */
#include "store/committer.h"
#include "store/index_row.h"

/* --- writing one ---------------------------------------------------------------------------------------------
 * Lines in ascending order of their grams. Posting rows go to the committer a few at a time and mean nothing until the head is
 * there: index_segment_end writes it and drops the heads of the segments that it replaces, in one transaction. What a crash leaves
 * is posting rows without a head. For threads that may block. */
struct index_segment_writer {
    struct store *store;
    uint64_t segment;
    const struct index_row_column *columns; /* borrowed */
    uint32_t column_count;
    struct buf row, line; /* the row in the making, and its next line */
    uint32_t first, last; /* its grams */
    struct buf waiting;   /* rows on their way to the committer */
    unsigned waiting_count;
    uint64_t bytes;
    enum err state;
};
void index_segment_begin(struct index_segment_writer *w, struct store *st, uint64_t segment,
                         const struct index_row_column *columns, uint32_t n);
void index_segment_add(struct index_segment_writer *w, uint32_t gram,
                       const struct index_row_bits *bits, struct fault *f);
/* Ends w in any case; errors of before are told here. */
enum err index_segment_end(struct index_segment_writer *w, const uint64_t *replaced, size_t n,
                           struct fault *f);

/* --- one in memory --- */
struct index_segment {
    uint64_t id;
    struct index_row_column *columns;
    uint32_t column_count;
    struct buf rows;  /* each: u32 first gram, u32 bytes, the bytes */
    struct span rest; /* for index_segment_next */
    struct index_row_walk walk;
};
/* ERR_NOTFOUND, ERR_CORRUPT. After any error there is nothing to free. */
enum err index_segment_load(struct txn *t, uint64_t id, struct index_segment *out, struct fault *f);
void index_segment_fini(struct index_segment *s);
/* Line after line. False: no more; damaged ones end it too: s->walk.damaged. */
bool index_segment_next(struct index_segment *s, uint32_t *gram, struct span *line);

/* --- dropping --- */
/* Drops heads. */
enum err index_segment_forget(struct store *st, const uint64_t *segments, size_t n,
                              struct fault *f);
/* Drops some of the posting rows of a segment without a head, or with a damaged one; *more_out: some are left. */
enum err index_segment_sweep(struct store *st, uint64_t segment, bool *more_out, struct fault *f);
