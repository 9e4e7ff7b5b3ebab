#pragma once /* store/index_row.h: the rows of the index: keys, columns and lists as bytes */
#include "common/buf.h"
#include "store/schema.h"

/* A segment is a table of bits: a column for each of up to 4,096 bodies, a line for each gram. A gram is three bytes of
 * folded text, and where they stand: in headers or in the body. The lines lie one behind the other in posting rows. */
#define INDEX_ROW_COLUMNS_MAX 4096u
#define INDEX_ROW_BYTES 960u /* of a posting row: four of them fill a page */

enum index_row_family { INDEX_ROW_HEADER, INDEX_ROW_BODY, INDEX_ROW_FAMILIES };
/* A gram as a number: family << 24 | first byte << 16 | second << 8 | third. */
#define INDEX_ROW_GRAM(family, a, b, c)                                                            \
    ((uint32_t)(family) << 24 | (uint32_t)(unsigned char)(a) << 16 |                               \
     (uint32_t)(unsigned char)(b) << 8 | (uint32_t)(unsigned char)(c))

struct index_row_bits {
    uint64_t words[INDEX_ROW_COLUMNS_MAX / 64];
};
static inline bool index_row_bit(const struct index_row_bits *b, uint32_t i)
{
    return (b->words[i / 64] >> (i % 64) & 1) != 0;
}
static inline void index_row_bit_set(struct index_row_bits *b, uint32_t i)
{
    b->words[i / 64] |= UINT64_C(1) << (i % 64);
}

/* --- keys --- */
struct span index_row_head_key(struct schema_key *k, uint64_t segment);
struct span index_row_key(struct schema_key *k, uint64_t segment, uint32_t gram);
bool index_row_head_key_of(struct span key, uint64_t *segment);
bool index_row_key_of(struct span key, uint64_t *segment, uint32_t *gram);

/* --- the head of a segment: its columns, by ascending body --- */
struct index_row_column {
    uint64_t body;
    bool wide; /* of too many grams, or damaged: has no bits, and is never ruled out */
};
struct index_row_head {
    uint32_t columns;
    uint64_t bytes; /* of the posting rows */
};
void index_row_head(const struct index_row_column *columns, uint32_t n, uint64_t bytes,
                    struct buf *out); /* replaces */
/* columns has room for INDEX_ROW_COLUMNS_MAX. False: damaged. */
bool index_row_head_of(struct span value, struct index_row_head *out,
                       struct index_row_column *columns);

/* --- posting rows --- */
/* Appends a line to a row in which before was the last gram (of the first line: the gram itself). */
void index_row_add(struct buf *row, uint32_t before, uint32_t gram,
                   const struct index_row_bits *bits, uint32_t columns);

struct index_row_walk {
    struct span rest;
    uint32_t gram;
    bool damaged;
};
/* first: of the row's key. */
void index_row_walk(struct index_row_walk *w, struct span row, uint32_t first);
/* The next line, as it is packed; false: no more, or damaged. */
bool index_row_walk_next(struct index_row_walk *w, uint32_t *gram, struct span *line);
/* Unpacks a line; false: damaged. */
bool index_row_line(struct span line, uint32_t columns, struct index_row_bits *out);
