#pragma once /* store/index_build.h: keeps the index of substrings up with the store */
#include "store/index_segment.h"

/* A body belongs to the index once the head of a segment lists it; what no head lists is the tail, which searches read. Bodies
 * are indexed some hundreds at a time, so that under load the tail stays about as long, and on a quiet server the last few
 * wait a second for company. Small segments are merged into larger ones; bodies that are gone leave them then.
 * Works on threads that may block: housekeeping, and who calls index_build_anew. */
struct index_build;

struct index_build *index_build_new(struct store *st);
void index_build_free(struct index_build **b); /* NULL is fine */

/* One piece of what is to be done, of about 100 ms at most; nothing while another thread works on it. True: there is more. Failures are logged. */
bool index_build_slice(struct index_build *b);
/* All that is to be done now: afterwards every body that was there is indexed. */
enum err index_build_all(struct index_build *b, struct fault *f);
/* Drops the index and builds it anew, searches going on meanwhile. progress: bodies so far, maybe NULL; false: stop (ERR_BUSY), the rest is left to
 * housekeeping. */
enum err index_build_anew(struct index_build *b, bool (*progress)(void *arg, uint64_t done),
                          void *arg, struct fault *f);
