#pragma once /* store/check.h: proves the invariants of store/schema.c */
#include "store/store.h"

/* One line for each broken invariant: "I3 body 17: 2 references counted, 1 found". */
typedef void check_fn(void *arg, struct span line);
/* What was read. */
struct check_totals {
    unsigned long broken; /* lines reported */
    uint64_t accounts, mailboxes, messages;
};
/* Called every few milliseconds with the rows done so far; false ends the check. */
typedef bool check_progress_fn(void *arg, uint64_t rows);
/* Reads everything (any thread that may block) in one snapshot, so that what it finds belongs together; a running server goes on, and its cache keeps
 * the old versions of pages so long. Memory grows with the number of bodies (48 bytes each). report and progress
 * may be NULL. ERR_BUSY: progress ended it; another error: it could not be read to the end. */
enum err check_run(struct store *st, check_fn *report, check_progress_fn *progress, void *arg,
                   struct check_totals *out, struct fault *f);
