#pragma once /* store/digest_rows.h: the digests of many bodies, read in bulk where they lie close together */
#include "message/digest.h"
#include "store/table.h"

/* Plain value; zeroes are fine. Lives as long as the snapshot it is begun with. */
struct digest_rows {
    struct txn *t; /* private from here */
    struct table_walk walk;
    bool walking;
    uint64_t held; /* the body on which the walk stands */
    struct span value;
    struct buf one;
    struct fault fault;
};
void digest_rows_begin(struct digest_rows *r, struct txn *t);
/* The digest of bodies[at]; spans valid until the next call. bodies: what will be asked for next stands behind it, in any
 * order, but ascending is fastest. One that is not there or cannot be read is an empty digest: false then. After an error
 * everything is empty, and digest_rows_end tells. */
bool digest_rows_get(struct digest_rows *r, const uint64_t *bodies, size_t n, size_t at,
                     struct digest *out);
enum err digest_rows_end(struct digest_rows *r, struct fault *f);
