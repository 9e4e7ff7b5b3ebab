#pragma once /* store/index_merge.h: several segments of the index become one */
#include "store/index_segment.h"

#define INDEX_MERGE_MAX 16u /* segments at a time */

/* Makes of these segments a new one without the bodies that are gone, and drops their heads with it; where nothing is left, only
 * that. What is left of them has at most INDEX_ROW_COLUMNS_MAX columns, *columns_out: how many. For threads that may block.
 * ERR_CORRUPT: one of them is damaged. */
enum err index_merge(struct store *st, const uint64_t *segments, size_t n, uint64_t into,
                     uint32_t *columns_out, struct fault *f);
