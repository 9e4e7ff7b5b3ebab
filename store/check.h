#pragma once /* store/check.h: proves the invariants of store/schema.c */
#include "store/store.h"

/* One line for each broken invariant: "I3 body 17: 2 references counted, 1 found". */
typedef void check_fn(void *arg, struct span line);
/* Reads everything (any thread that may block) in one snapshot, so that what it finds belongs together; a running server goes on, and its cache keeps
 * the old versions of pages so long. Memory grows with the number of bodies (48 bytes each). *broken_out counts the lines. report may be NULL;
 * progress may be NULL: called now and then with rows done. An error: it could not be read to the end. */
enum err check_run(struct store *st, check_fn *report, check_fn *progress, void *arg,
                   unsigned long *broken_out, struct fault *f);
