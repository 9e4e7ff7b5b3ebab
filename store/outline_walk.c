#include "store/outline_walk.h"
#include "message/outline.h"
#include "store/blob.h"
#include "store/outline_row.h"
#include "store/schema.h"

#include <inttypes.h>

#define OUTLINE_WALK_NEAR 16 /* ids: rows walked over for nothing at most */
#define OUTLINE_WALK_RUN 4   /* so many near ones are taken for the beginning of more */

void outline_walk_init(struct outline_walk *w)
{
    *w = (struct outline_walk){0};
    buf_init(&w->one, OUTLINE_RECORD_MAX);
}

void outline_walk_fini(struct outline_walk *w)
{
    buf_fini(&w->one);
}

enum err outline_walk_rest(struct outline_walk *w, struct fault *f)
{
    if (!w->walking)
        return ERR_OK;
    w->walking = false;
    return table_walk_end(&w->walk, f);
}

/* Goes on to the first row that is not before body. False: it is not body's, or there is none near. */
static bool outline_walk_to(struct outline_walk *w, uint64_t body)
{
    struct span key;
    for (unsigned n = 0; w->at < body && n <= OUTLINE_WALK_NEAR; n++) {
        if (!table_walk_next(&w->walk, &key, &w->record) || !schema_id_of(key, &w->at))
            return false;
    }
    return w->at == body;
}

static void outline_walk_begin(struct outline_walk *w, struct txn *t, uint64_t body)
{
    struct schema_key k;
    table_walk(&w->walk, t, TABLE_OUTLINE, schema_id_key(&k, body), false);
    w->walking = true;
    w->at = 0;
}

enum err outline_walk_get(struct outline_walk *w, struct txn *t, uint64_t body,
                          struct span *record_out, struct fault *f)
{
    bool near = body >= w->asked && body - w->asked <= OUTLINE_WALK_NEAR;
    w->near = near ? w->near + 1 : 0;
    w->asked = body;
    if (w->walking && (!near || !outline_walk_to(w, body))) {
        enum err e = outline_walk_rest(w, f);
        if (e != ERR_OK)
            return e;
    }
    if (!w->walking && w->near >= OUTLINE_WALK_RUN) {
        outline_walk_begin(w, t, body);
        if (!outline_walk_to(w, body)) {
            enum err e = outline_walk_rest(w, f);
            if (e != ERR_OK)
                return e;
        }
    }
    if (w->walking)
        return outline_row_record(w->record, &w->one, record_out)
                   ? ERR_OK
                   : fault_set(f, ERR_CORRUPT, "the outline of body %" PRIu64 " is damaged", body);
    enum err e = blob_outline(t, body, &w->one, f);
    *record_out = buf_span(&w->one);
    return e;
}
