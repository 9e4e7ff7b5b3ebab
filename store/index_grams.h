#pragma once /* store/index_grams.h: which grams the bodies of a segment in the making have */
#include "store/body_text.h"
#include "store/index_row.h"

struct index_grams {
    uint64_t *entries, *other; /* gram << 16 | column */
    size_t count, cap;
    size_t run;          /* entries from here on are of the text that is being added */
    unsigned char *seen; /* a bit for each gram of it */
    struct body_text text;
};
void index_grams_init(struct index_grams *g);
void index_grams_fini(struct index_grams *g);
void index_grams_clear(struct index_grams *g);
void index_grams_trim(struct index_grams *g); /* and gives the memory of entries back */

/* Reads a body in as that column. A transaction of its own for each few steps. *wide_out: it has too many grams; nothing
 * of it is in entries. ERR_NOTFOUND: it is gone; ERR_CORRUPT: it is damaged; likewise. */
enum err index_grams_read(struct index_grams *g, struct store *st, uint64_t body, uint32_t column,
                          bool *wide_out, struct fault *f);
/* By gram, then by column. */
void index_grams_sort(struct index_grams *g);
