#pragma once /* store/index.h: which bodies may hold a text: an index of all substrings */
#include "common/arena.h"
#include "store/txn.h"

/* Kept by body (store/blob.h), so that a message to fifty recipients is indexed once. It only ever rules bodies out: what
 * it leaves must be read (store/body_text.h). Bodies that are not indexed yet are never ruled out, so results are complete
 * at any time. */

#define INDEX_NEEDLE_BYTES 3 /* shorter ones rule nothing out */

/* bodies: ids, ascending, of any number. maybe: a byte for each; what does not hold every one of the folded needles (fold_key)
 * is set to 0, the others are left as they are. */
enum err index_filter(struct txn *t, const struct span *needles, size_t needle_count,
                      const uint64_t *bodies, size_t body_count, unsigned char *maybe,
                      struct fault *f);
