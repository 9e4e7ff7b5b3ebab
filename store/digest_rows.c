#include "store/digest_rows.h"
#include "store/schema.h"

#define NEAR_COUNT 64  /* bodies that a walk passes over for nothing, at most */
#define AHEAD_COUNT 32 /* so many bodies ahead are looked at to see whether a walk pays ... */
#define SPREAD_COUNT 8 /* ... which it does if not more than so many rows lie between two of them */
#define VALUE_BYTES (64u << 10)

void digest_rows_begin(struct digest_rows *r, struct txn *t)
{
    *r = (struct digest_rows){.t = t};
    buf_init(&r->one, VALUE_BYTES);
}

static void fail(struct digest_rows *r, enum err e)
{
    if (e != ERR_OK && r->fault.kind == ERR_OK)
        r->fault.kind = e;
}

static void stop(struct digest_rows *r)
{
    if (r->walking)
        fail(r, table_walk_end(&r->walk, &r->fault));
    r->walking = false;
}

/* The next row of the walk. */
static void step(struct digest_rows *r)
{
    struct span key;
    if (!table_walk_next(&r->walk, &key, &r->value) || !schema_id_of(key, &r->held))
        stop(r);
}

static bool pays(const uint64_t *bodies, size_t n, size_t at)
{
    uint64_t first = bodies[at], last;
    if (n - at <= AHEAD_COUNT)
        return n - at > AHEAD_COUNT / 4 && bodies[n - 1] >= first &&
               bodies[n - 1] - first <= AHEAD_COUNT * SPREAD_COUNT;
    last = bodies[at + AHEAD_COUNT];
    return last >= first && last - first <= AHEAD_COUNT * SPREAD_COUNT;
}

/* Brings the walk to the body, if it is near or if a walk from there on pays. False: read it alone. */
static bool walk_to(struct digest_rows *r, const uint64_t *bodies, size_t n, size_t at)
{
    uint64_t body = bodies[at];
    struct schema_key k;
    if (r->walking && body > r->held && body - r->held > NEAR_COUNT)
        stop(r);
    if (!r->walking && pays(bodies, n, at)) {
        table_walk(&r->walk, r->t, TABLE_DIGEST, schema_id_key(&k, body), false);
        r->walking = true;
        step(r);
    }
    while (r->walking && r->held < body)
        step(r);
    return r->walking && r->held == body;
}

bool digest_rows_get(struct digest_rows *r, const uint64_t *bodies, size_t n, size_t at,
                     struct digest *out)
{
    struct schema_key k;
    struct span record = SPAN("");
    *out = (struct digest){0};
    if (r->fault.kind != ERR_OK)
        return false;
    if (walk_to(r, bodies, n, at)) {
        record = r->value;
    } else if (r->fault.kind == ERR_OK) {
        enum err e =
            table_get(r->t, TABLE_DIGEST, schema_id_key(&k, bodies[at]), &r->one, &r->fault);
        if (e == ERR_OK)
            record = buf_span(&r->one);
        else if (e != ERR_NOTFOUND)
            fail(r, e);
    }
    if (digest_open(record, out))
        return true;
    *out = (struct digest){0};
    return false;
}

enum err digest_rows_end(struct digest_rows *r, struct fault *f)
{
    stop(r);
    buf_fini(&r->one);
    if (r->fault.kind != ERR_OK)
        *f = r->fault;
    return r->fault.kind;
}
