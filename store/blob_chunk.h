#pragma once /* store/blob_chunk.h: a piece of a body as a row */
#include "common/buf.h"

/* Every chunk of a body but the last has so many bytes. */
#define BLOB_CHUNK_BYTES (64u << 10)

/* The first byte of a row is its encoding: plain bytes follow, or the length of what was compressed (u32, little-endian) and a
 * zstd frame. */
#define BLOB_CHUNK_PLAIN 0
#define BLOB_CHUNK_ZSTD 1

/* Makes of a plain row a compressed one, where that saves an eighth. packed_out needs no buf_init; after false it has no memory. */
bool blob_chunk_pack(struct span row, struct buf *packed_out);
/* The row of a chunk with these bytes (at most BLOB_CHUNK_BYTES), compressed where that pays; replaces. */
void blob_chunk_row(struct span bytes, struct buf *row_out);
/* The bytes of a row; valid as long as the row and until the thread's next call. False: damaged. */
bool blob_chunk_bytes(struct span row, struct span *out);
/* A buffer of the thread's, long enough for a row. */
struct buf *blob_chunk_scratch(void);
