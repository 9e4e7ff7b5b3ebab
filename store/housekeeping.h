#pragma once /* store/housekeeping.h: checkpoints, old logs, old mail, the search index */
#include "store/store.h"

/* The thread that bounds recovery, the disk and the bin, and the one that builds the search index. They write through the committer, a slice an
 * operation. */
struct housekeeping;

/* Starts the threads; the committer runs already. */
struct housekeeping *housekeeping_new(struct store *st);
/* Stops and joins them; NULL is fine. */
void housekeeping_free(struct housekeeping **h);

/* The index that it keeps up with the store. */
struct index_build *housekeeping_index(const struct store *st);

/* Brings the tables on disk up to the log, if it has grown by checkpoint_bytes since the last time or if forced, and removes log
 * files that nothing needs any more and that are old enough. */
enum err housekeeping_checkpoint(struct store *st, bool force, struct fault *f);
