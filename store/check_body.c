#include "message/digest.h"
#include "message/outline.h"
#include "store/blob.h"
#include "store/blob_chunk.h"
#include "store/check_state.h"
#include "store/outline_row.h"
#include "store/schema.h"

#include <inttypes.h>

static void body_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct blob_info info;
    uint64_t id;
    if (!schema_id_of(key, &id) || value.n != 16 || blob_info(c->t, id, &info, f) != ERR_OK) {
        check_broken(c, 1, "body: damaged row");
        return;
    }
    c->bodies = check_room(c->bodies, c->body_count, &c->body_cap, sizeof *c->bodies);
    c->bodies[c->body_count++] = (struct check_body){
        .id = id, .bytes = info.bytes, .refs = info.refs, .chunks = info.chunks};
    c->body = NULL; /* the array may have moved */
    if (id == 0 || id >= c->blob_high)
        check_broken(c, 12, "body %" PRIu64 ": ids below %" PRIu64 " have been given", id,
                     c->blob_high);
}

static void pending_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t id;
    (void)f;
    if (!schema_id_of(key, &id) || value.n > 0) {
        check_broken(c, 1, "pending body: damaged row");
        return;
    }
    c->pending = check_room(c->pending, c->pending_count, &c->pending_cap, sizeof *c->pending);
    c->pending[c->pending_count++] = id;
}

static bool is_pending(const struct check *c, uint64_t id)
{
    size_t low = 0, high = c->pending_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (c->pending[mid] < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < c->pending_count && c->pending[low] == id;
}

static void check_outline(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct outline o;
    struct span record;
    struct buf plain;
    uint64_t id;
    (void)f;
    if (!schema_id_of(key, &id)) {
        check_broken(c, 1, "outline: damaged row");
        return;
    }
    struct check_body *b = check_find_body(c, id);
    if (!b) {
        check_broken(c, 10, "outline %" PRIu64 ": no such body", id);
        return;
    }
    b->outlined = true;
    buf_init(&plain, OUTLINE_RECORD_MAX);
    if (!outline_row_record(value, &plain, &record) || !outline_open(record, &o))
        check_broken(c, 9, "body %" PRIu64 ": its outline is damaged", id);
    else if (o.bytes != b->bytes)
        check_broken(c, 9, "body %" PRIu64 ": %" PRIu64 " bytes, its outline is of %" PRIu64, id,
                     b->bytes, o.bytes);
    buf_fini(&plain);
}

static void digest_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct digest d;
    uint64_t id;
    (void)f;
    if (!schema_id_of(key, &id)) {
        check_broken(c, 1, "digest: damaged row");
        return;
    }
    struct check_body *b = check_find_body(c, id);
    if (!b) {
        check_broken(c, 10, "digest %" PRIu64 ": no such body", id);
        return;
    }
    b->digested = true;
    if (!digest_open(value, &d))
        check_broken(c, 9, "body %" PRIu64 ": its digest is damaged", id);
}

static void chunk_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct span bytes;
    uint64_t id;
    uint32_t n;
    (void)f;
    if (!schema_pair_of(key, &id, &n)) {
        check_broken(c, 1, "chunk: damaged row");
        return;
    }
    struct check_body *b = check_find_body(c, id);
    if (!b) {
        if (!is_pending(c, id))
            check_broken(c, 10, "chunk %" PRIu32 " of body %" PRIu64 ": no such body", n, id);
        return;
    }
    if (n != b->found_chunks || !blob_chunk_bytes(value, &bytes)) {
        check_broken(
            c, 8, "chunk %" PRIu32 " of body %" PRIu64 ": damaged, or chunk %" PRIu32 " is missing",
            n, id, b->found_chunks);
        return;
    }
    b->found_chunks++;
    b->found_bytes += bytes.n;
}

enum err check_body_read(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_BODY, body_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_PENDING, pending_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_OUTLINE, check_outline, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_DIGEST, digest_row, f);
    return e == ERR_OK ? check_table(c, TABLE_CHUNK, chunk_row, f) : e;
}

void check_body_sums(struct check *c)
{
    for (size_t i = 0; i < c->body_count; i++) {
        const struct check_body *b = &c->bodies[i];
        if (b->refs != b->found_refs || b->refs == 0)
            check_broken(c, 7,
                         "body %" PRIu64 ": %" PRIu32 " references counted, %" PRIu32 " found",
                         b->id, b->refs, b->found_refs);
        if (b->chunks != b->found_chunks || b->bytes != b->found_bytes)
            check_broken(c, 8,
                         "body %" PRIu64 ": %" PRIu64 " bytes in %" PRIu32 " chunks, found %" PRIu64
                         " in %" PRIu32,
                         b->id, b->bytes, b->chunks, b->found_bytes, b->found_chunks);
        if (!b->outlined)
            check_broken(c, 9, "body %" PRIu64 ": no outline", b->id);
        if (!b->digested)
            check_broken(c, 9, "body %" PRIu64 ": no digest", b->id);
    }
}
