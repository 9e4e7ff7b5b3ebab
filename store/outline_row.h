#pragma once /* store/outline_row.h: an outline as a row, made short enough for its page */
#include "common/buf.h"

/* Berkeley DB puts an item of more than a quarter of a page on pages of its own: most outlines are longer than that, but
 * short when compressed with a dictionary of what stands in all of them. A row is the record itself, or, where that is
 * shorter, OUTLINE_ROW_ZSTD, the length of the record (u32, little-endian) and one frame of Zstandard. A record begins with
 * another byte. */
#define OUTLINE_ROW_ZSTD 1

/* The row for a record; valid until the thread's next call, and as long as record. */
struct span outline_row(struct span record);
/* And back: the record lies in row or in plain, whose bytes are replaced. False: damaged. */
bool outline_row_record(struct span row, struct buf *plain, struct span *record_out);
