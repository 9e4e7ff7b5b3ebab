#pragma once /* store/dump.h: the whole store as text: NDJSON, docs/dump.md */
#include "common/span.h"
#include "store/store.h"

/* Everything, in a fixed order: two dumps of equal stores are equal. write returns false to stop (ERR_IO then). */
enum err dump_write(struct store *st, bool (*write)(void *arg, struct span bytes), void *arg,
                    struct fault *f);
/* Into an empty store (ERR_EXISTS otherwise). read gives the next bytes, 0 at the end, -1 on error. Restores ids, UIDs, UIDVALIDITY, MODSEQs,
 * flags, dates, the bin and the change log: a dump of the result is identical. ERR_INVALID: the text has the line number. */
enum err dump_load(struct store *st, long (*read)(void *arg, char *into, size_t n), void *arg,
                   struct fault *f);
