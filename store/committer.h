#pragma once /* store/committer.h: every write is a function that the committer runs */
#include "store/txn.h"

/* Embedded in the caller's own struct; the caller's again when done is called.
 * apply runs on the committer inside the batch's transaction. It may run more than once (when another operation of the batch failed
 * after it had written), so it neither replies nor logs, and all its results go into the struct anew each time. If it
 * returns an error without having written anything, it alone fails; if it had written, the batch is undone and the others run again.
 * done runs on home after the synchronous flush, or after the failure. */
struct store_op {
    enum err (*apply)(struct txn *t, struct store_op *op, struct fault *f);
    void (*done)(struct store_op *op, enum err e, const struct fault *f);
    struct post *home;
    struct actor actor;
    /* The committer's own: */
    struct post_note note;
    struct store_op *next;
    struct fault fault;
};

/* Any thread; never blocks. Operations of one thread are applied in the order in which it submitted them. After store_close has begun
 * done gets ERR_BUSY. */
void committer_submit(struct store *st, struct store_op *op);
/* For threads that may block (command line, tests, housekeeping): submits and waits; home and done of op are not used. */
enum err committer_run(struct store *st, struct store_op *op, struct fault *f);
