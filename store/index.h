#pragma once /* store/index.h: which bodies may hold a text: an index of all substrings */
#include "store/body_text.h"
#include "store/txn.h"

/* Kept by body (store/blob.h), so that a message to fifty recipients is indexed once. It only ever rules bodies out: what
 * it leaves must be read (store/body_text.h). Bodies that are not indexed yet are never ruled out, so results are complete
 * at any time. docs/search-index.md tells how it works. */

#define INDEX_NEEDLE_BYTES 3 /* shorter ones rule nothing out */

/* bodies: ids, ascending, of any number. maybe: a byte for each; what does not hold every one of the folded needles (fold_key)
 * is set to 0, the others are left as they are. Takes about a millisecond for each 100,000 bodies of the store from
 * the first one asked for to the last, and a needle. */
enum err index_filter(struct txn *t, const struct span *needles, size_t needle_count,
                      const uint64_t *bodies, size_t body_count, unsigned char *maybe,
                      struct fault *f);
/* The same where only some of the text counts, as store/body_text.h divides it: BODY_TEXT_HEADER for SUBJECT, FROM and the like,
 * BODY_TEXT_BODY for BODY, BODY_TEXT_ALL for TEXT. */
enum err index_filter_in(struct txn *t, unsigned what, const struct span *needles,
                         size_t needle_count, const uint64_t *bodies, size_t body_count,
                         unsigned char *maybe, struct fault *f);

struct index_state {
    uint64_t bodies, indexed; /* that are there; of them */
    uint64_t segments, bytes; /* bytes: of posting rows */
};
/* Looks at all bodies of the store: not for loops. */
enum err index_state(struct store *st, struct index_state *out, struct fault *f);
