#pragma once /* store/blob_ids.h: numbers for bodies, taken by any thread, never given twice */
#include "store/txn.h"

/* Ranges are reserved by a commit before the first number of them is given; what a range has left at the end of
 * the process is never given. */
enum err blob_ids_open(struct store *st, struct fault *f);
void blob_ids_close(struct store *st);
/* Any thread. 0: none are left, and the next range is not there yet. */
uint64_t blob_ids_take(struct store *st);
/* In an operation: from now on larger than id. */
enum err blob_ids_raise(struct txn *t, uint64_t id, struct fault *f);
