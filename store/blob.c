#include "store/blob.h"
#include "common/le.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "message/outline.h"
#include "store/blob_ids.h"
#include "store/outline_row.h"
#include "store/schema.h"
#include "store/state.h"

#include <inttypes.h>

#define BLOB_SWEEP_COUNT 100u /* chunks dropped by one operation of the sweep */
#define BLOB_ROW_BYTES 16

/* --- rows --- */

static enum err blob_row_put(struct txn *t, uint64_t id, const struct blob_info *b, struct fault *f)
{
    char row[BLOB_ROW_BYTES];
    le_put(row, b->bytes, 8);
    le_put(row + 8, b->refs, 4);
    le_put(row + 12, b->chunks, 4);
    struct schema_key k;
    return table_put(t, TABLE_BODY, schema_id_key(&k, id), span_of(row, sizeof row), f);
}

enum err blob_info(struct txn *t, uint64_t id, struct blob_info *out, struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, BLOB_ROW_BYTES);
    enum err e = table_get(t, TABLE_BODY, schema_id_key(&k, id), &row, f);
    if (e == ERR_NOTFOUND)
        (void)fault_set(f, e, "body %" PRIu64 " is not there", id);
    else if (e == ERR_LIMIT || (e == ERR_OK && row.n != BLOB_ROW_BYTES))
        e = fault_set(f, ERR_CORRUPT, "the row of body %" PRIu64 " has the wrong length", id);
    if (e == ERR_OK)
        *out = (struct blob_info){le_get(row.p, 8), (uint32_t)le_get(row.p + 8, 4),
                                  (uint32_t)le_get(row.p + 12, 4)};
    buf_fini(&row);
    return e;
}

/* --- dropping what was written ahead --- */

struct blob_discard {
    struct store_op op;
    struct store *store;
    uint64_t id;
    bool all;
};

static bool blob_is_chunk_of(struct span key, uint64_t id)
{
    uint64_t body;
    uint32_t n;
    return schema_pair_of(key, &body, &n) && body == id;
}

/* Drops chunks from the last one back, BLOB_SWEEP_COUNT at a time: one that failed to be written leaves a gap. What is not
 * pending has become a body, whatever blob_end was told. */
static enum err blob_discard_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct blob_discard *d = (struct blob_discard *)(void *)op;
    struct schema_key k;
    struct buf found;
    buf_init(&found, SCHEMA_KEY_BYTES);
    enum err e = table_get(t, TABLE_PENDING, schema_id_key(&k, d->id), &found, f);
    d->all = e == ERR_NOTFOUND;
    if (e != ERR_OK) {
        buf_fini(&found);
        return d->all ? ERR_OK : e;
    }
    for (unsigned i = 0; i < BLOB_SWEEP_COUNT && e == ERR_OK && !d->all; i++) {
        e = table_floor(t, TABLE_CHUNK, schema_chunk_key(&k, d->id, UINT32_MAX), &found, NULL, f);
        d->all = e == ERR_NOTFOUND || (e == ERR_OK && !blob_is_chunk_of(buf_span(&found), d->id));
        if (e == ERR_OK && !d->all)
            e = table_drop(t, TABLE_CHUNK, buf_span(&found), f);
    }
    buf_fini(&found);
    if (d->all)
        e = table_drop(t, TABLE_PENDING, schema_id_key(&k, d->id), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static void blob_discard_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct blob_discard *d = (struct blob_discard *)(void *)op;
    if (e == ERR_OK && !d->all) {
        committer_submit(d->store, op);
        return;
    }
    if (e != ERR_OK) /* the sweep at the next start will find it */
        log_event(LOG_DEBUG, NULL, "store.discard_failed", "blob=%016" PRIx64 " text=\"%s\"", d->id,
                  LOG_SPAN(span_cstr(f->text)));
    mem_free(d);
}

/* Nobody waits for a discard: its end is heard on the committer itself, so that none is under way to a loop when the store closes. */
static void blob_hear_here(struct post *self, struct post_note *first, struct post_note *last)
{
    (void)self;
    for (struct post_note *note = first, *next; note; note = next) {
        next = note == last ? NULL : note->next;
        note->run(note);
    }
}
static struct post blob_here = {blob_hear_here};

static enum err blob_sweep_one(struct store *st, uint64_t id, struct fault *f)
{
    struct blob_discard d = {.op = {.apply = blob_discard_apply}, .store = st, .id = id};
    enum err e;
    do
        e = committer_run(st, &d.op, f);
    while (e == ERR_OK && !d.all);
    return e;
}

/* At start everything pending is left over. */
static enum err blob_sweep(struct store *st, struct fault *f)
{
    struct txn *t;
    enum err e = txn_read(st, &t, f);
    if (e != ERR_OK)
        return e;
    struct table_walk w;
    struct span key, value;
    struct buf ids;
    buf_init(&ids, SIZE_MAX);
    table_walk(&w, t, TABLE_PENDING, SPAN(""), true);
    while (table_walk_next(&w, &key, &value)) {
        uint64_t id;
        if (schema_id_of(key, &id))
            (void)buf_add(&ids, span_of(&id, sizeof id));
    }
    e = table_walk_end(&w, f);
    txn_read_end(&t);
    for (size_t at = 0; at < ids.n && e == ERR_OK; at += sizeof(uint64_t)) {
        uint64_t id;
        memcpy(&id, ids.p + at, sizeof id);
        e = blob_sweep_one(st, id, f);
    }
    if (ids.n > 0)
        log_event(LOG_INFO, NULL, "store.swept", "bodies=%zu", ids.n / sizeof(uint64_t));
    buf_fini(&ids);
    return e;
}

enum err blob_open(struct store *st, struct fault *f)
{
    enum err e = blob_ids_open(st, f);
    return e == ERR_OK ? blob_sweep(st, f) : e;
}

enum err blob_raise(struct txn *t, uint64_t id, struct fault *f)
{
    return blob_ids_raise(t, id, f);
}

/* --- writing --- */

struct blob_writer {
    struct store *store;
    struct post *home;
    void (*ready)(void *arg);
    void *arg;
    uint64_t id; /* 0: none yet */
    uint64_t bytes;
    uint32_t chunks; /* gone ahead */
    unsigned in_flight;
    bool ended;
    struct fault fault; /* of the first chunk that failed */
    /* The last chunk: as plain row, and packed where that pays. */
    struct buf tail, packed;
    bool sealed, packs;
};

struct blob_ahead {
    struct store_op op;
    struct blob_writer *writer;
    uint64_t id;
    uint32_t n;
    struct buf row;
};

static void blob_writer_free(struct blob_writer *w)
{
    buf_fini(&w->tail);
    if (w->packs)
        buf_fini(&w->packed);
    mem_free(w);
}

struct blob_writer *blob_begin(struct store *st, struct post *home, void (*ready)(void *arg),
                               void *arg)
{
    must(home);
    struct blob_writer *w = mem_new(struct blob_writer);
    w->store = st;
    w->home = home;
    w->ready = ready;
    w->arg = arg;
    buf_init(&w->tail, BLOB_CHUNK_BYTES + 1);
    return w;
}

static enum err blob_ahead_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct blob_ahead *a = (struct blob_ahead *)(void *)op;
    struct schema_key k;
    /* Not with the first chunk alone: that one may fail and others not. */
    enum err e = table_put(t, TABLE_PENDING, schema_id_key(&k, a->id), SPAN(""), f);
    if (e == ERR_OK)
        e = table_put(t, TABLE_CHUNK, schema_chunk_key(&k, a->id, a->n), buf_span(&a->row), f);
    return e;
}

static void blob_ahead_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct blob_ahead *a = (struct blob_ahead *)(void *)op;
    struct blob_writer *w = a->writer;
    if (e != ERR_OK && w->fault.kind == ERR_OK)
        w->fault = *f;
    buf_fini(&a->row);
    mem_free(a);
    w->in_flight--;
    if (!w->ended && w->ready)
        w->ready(w->arg);
    else if (w->ended && w->in_flight == 0)
        blob_writer_free(w);
}

/* Sends the tail, which is a full chunk, ahead. */
static void blob_send_ahead(struct blob_writer *w)
{
    if (w->id == 0)
        w->id = blob_ids_take(w->store);
    if (w->id == 0)
        (void)fault_set(&w->fault, ERR_BUSY, "no number for the body");
    if (w->fault.kind != ERR_OK) {
        buf_reset(&w->tail);
        return;
    }
    struct blob_ahead *a = mem_new(struct blob_ahead);
    a->op = (struct store_op){.apply = blob_ahead_apply, .done = blob_ahead_done, .home = w->home};
    a->writer = w;
    a->id = w->id;
    a->n = w->chunks++;
    if (blob_chunk_pack(buf_span(&w->tail), &a->row)) {
        buf_reset(&w->tail);
    } else {
        a->row = w->tail;
        buf_init(&w->tail, BLOB_CHUNK_BYTES + 1);
    }
    w->in_flight++;
    committer_submit(w->store, &a->op);
}

void blob_write(struct blob_writer *w, struct span piece)
{
    must(!w->sealed);
    w->bytes += piece.n;
    while (piece.n > 0 && w->fault.kind == ERR_OK) {
        if (w->tail.n == BLOB_CHUNK_BYTES + 1)
            blob_send_ahead(w);
        if (w->tail.n == 0)
            (void)buf_byte(&w->tail, BLOB_CHUNK_PLAIN);
        struct span part = span_to(piece, BLOB_CHUNK_BYTES + 1 - w->tail.n);
        must(buf_add(&w->tail, part));
        piece = span_from(piece, part.n);
    }
}

bool blob_busy(const struct blob_writer *w)
{
    return w->in_flight >= BLOB_AHEAD_COUNT;
}

bool blob_in_flight(const struct blob_writer *w)
{
    return w->in_flight > 0;
}

uint64_t blob_written(const struct blob_writer *w)
{
    return w->bytes;
}

enum err blob_state(const struct blob_writer *w, struct fault *f)
{
    if (f && w->fault.kind != ERR_OK)
        *f = w->fault;
    return w->fault.kind;
}

void blob_seal(struct blob_writer *w)
{
    if (!w->sealed && w->tail.n > 0)
        w->packs = blob_chunk_pack(buf_span(&w->tail), &w->packed);
    w->sealed = true;
}

void blob_land(struct blob_writer *w)
{
    if (!w->sealed && w->tail.n > 0) {
        blob_send_ahead(w);
        buf_trim(&w->tail);
    }
    w->sealed = true;
}

static enum err blob_put_tail(struct txn *t, struct blob_writer *w, struct fault *f)
{
    blob_seal(w);
    struct schema_key k;
    return table_put(t, TABLE_CHUNK, schema_chunk_key(&k, w->id, w->chunks),
                     buf_span(w->packs ? &w->packed : &w->tail), f);
}

/* The outline, and beside it the part of it that is read for many messages at once. */
static enum err blob_put_outline(struct txn *t, struct span key, struct span outline,
                                 struct fault *f)
{
    struct outline o;
    enum err e = table_put(t, TABLE_OUTLINE, key, outline_row(outline), f);
    if (e == ERR_OK && outline_open(outline, &o))
        e = table_put(t, TABLE_DIGEST, key, o.digest, f);
    return e;
}

enum err blob_put(struct txn *t, struct blob_writer *w, struct span outline, uint32_t refs,
                  uint64_t *id_out, struct fault *f)
{
    must(w->in_flight == 0);
    if (w->fault.kind != ERR_OK)
        return blob_state(w, f);
    if (w->id == 0)
        w->id = blob_ids_take(w->store);
    if (w->id == 0)
        return fault_set(f, ERR_BUSY, "no number for the body");
    struct blob_info row = {.bytes = w->bytes, .refs = refs, .chunks = w->chunks};
    enum err e = ERR_OK;
    if (w->tail.n > 0) {
        row.chunks++;
        e = blob_put_tail(t, w, f);
    }
    struct schema_key k;
    struct span key = schema_id_key(&k, w->id);
    if (e == ERR_OK)
        e = blob_row_put(t, w->id, &row, f);
    if (e == ERR_OK)
        e = blob_put_outline(t, key, outline, f);
    if (e == ERR_OK && w->chunks > 0)
        e = table_drop(t, TABLE_PENDING, key, f);
    if (e == ERR_OK)
        *id_out = w->id;
    return e;
}

void blob_end(struct blob_writer **writer, bool put_done)
{
    struct blob_writer *w = *writer;
    if (!w)
        return;
    *writer = NULL;
    if (!put_done && w->chunks > 0) {
        struct blob_discard *d = mem_new(struct blob_discard);
        d->op = (struct store_op){
            .apply = blob_discard_apply, .done = blob_discard_done, .home = &blob_here};
        d->store = w->store;
        d->id = w->id;
        committer_submit(w->store, &d->op);
    }
    w->ended = true;
    if (w->in_flight == 0)
        blob_writer_free(w);
}

/* --- bodies that are there --- */

enum err blob_outline(struct txn *t, uint64_t id, struct buf *record_out, struct fault *f)
{
    struct schema_key k;
    struct span record;
    struct buf row;
    buf_init(&row, OUTLINE_RECORD_MAX);
    buf_reset(record_out);
    enum err e = table_get(t, TABLE_OUTLINE, schema_id_key(&k, id), &row, f);
    if (e == ERR_NOTFOUND)
        e = fault_set(f, e, "the outline of body %" PRIu64 " is not there", id);
    else if (e == ERR_OK && !outline_row_record(buf_span(&row), record_out, &record))
        e = fault_set(f, ERR_CORRUPT, "the outline of body %" PRIu64 " is damaged", id);
    else if (e == ERR_OK && record.p == row.p && !buf_add(record_out, record))
        e = fault_set(f, ERR_LIMIT, "the outline of body %" PRIu64 " is too long", id);
    buf_fini(&row);
    return e;
}

#define BLOB_SMALL_BYTES (16u << 10) /* one look-up for all of it is cheaper than two */

/* Adds bytes [at, at + n) of a chunk that holds `whole`; of a plain one that is not small no others are read. */
static enum err blob_read_chunk(struct txn *t, uint64_t id, uint32_t i, size_t whole, size_t at,
                                size_t n, struct buf *out, struct fault *f)
{
    struct schema_key k;
    struct span key = schema_chunk_key(&k, id, i), bytes = SPAN("");
    struct buf *row = blob_chunk_scratch();
    bool part = whole > BLOB_SMALL_BYTES && n < whole / 2;
    enum err e = part ? table_get_part(t, TABLE_CHUNK, key, 0, 1, row, f) : ERR_OK;
    bool plain = part && e == ERR_OK && row->n == 1 && row->p[0] == BLOB_CHUNK_PLAIN;
    if (plain)
        e = table_get_part(t, TABLE_CHUNK, key, at + 1, n, row, f);
    else if (e == ERR_OK)
        e = table_get(t, TABLE_CHUNK, key, row, f);
    if (e != ERR_OK && e != ERR_NOTFOUND && e != ERR_LIMIT)
        return e;
    bool good = e == ERR_OK && (plain || blob_chunk_bytes(buf_span(row), &bytes));
    if (!good || (!plain && bytes.n < at))
        return fault_set(f, ERR_CORRUPT, "chunk %" PRIu32 " of body %" PRIu64 " is damaged", i, id);
    bytes = plain ? buf_span(row) : span_to(span_from(bytes, at), n);
    return buf_add(out, bytes) ? ERR_OK : fault_set(f, ERR_LIMIT, "too much of body %" PRIu64, id);
}

enum err blob_read(struct txn *t, uint64_t id, uint64_t at, size_t n, struct buf *out,
                   struct fault *f)
{
    struct blob_info is;
    enum err e = blob_info(t, id, &is, f);
    if (e != ERR_OK || at >= is.bytes)
        return e;
    uint64_t end = n < is.bytes - at ? at + n : is.bytes;
    while (at < end && e == ERR_OK) {
        size_t from = (size_t)(at % BLOB_CHUNK_BYTES), before = out->n;
        size_t want = BLOB_CHUNK_BYTES - from;
        if (want > end - at)
            want = (size_t)(end - at);
        uint64_t begin = at - from, behind = is.bytes - begin;
        size_t whole = behind < BLOB_CHUNK_BYTES ? (size_t)behind : BLOB_CHUNK_BYTES;
        e = blob_read_chunk(t, id, (uint32_t)(begin / BLOB_CHUNK_BYTES), whole, from, want, out, f);
        if (e == ERR_OK && out->n != before + want)
            e = fault_set(f, ERR_CORRUPT, "body %" PRIu64 " is too short", id);
        at += want;
    }
    return e;
}

enum err blob_keep(struct txn *t, uint64_t id, uint32_t more, struct fault *f)
{
    struct blob_info is;
    enum err e = blob_info(t, id, &is, f);
    if (e != ERR_OK)
        return e;
    if (is.refs > UINT32_MAX - more)
        return fault_set(f, ERR_LIMIT, "body %" PRIu64 " has too many references", id);
    is.refs += more;
    return blob_row_put(t, id, &is, f);
}

static enum err blob_gone(struct txn *t, uint64_t id, uint32_t chunks, struct fault *f)
{
    struct schema_key k;
    enum err e = table_drop(t, TABLE_BODY, schema_id_key(&k, id), f);
    if (e == ERR_OK)
        e = table_drop(t, TABLE_OUTLINE, schema_id_key(&k, id), f);
    if (e == ERR_OK || e == ERR_NOTFOUND)
        e = table_drop(t, TABLE_DIGEST, schema_id_key(&k, id), f);
    for (uint32_t i = 0; i < chunks && (e == ERR_OK || e == ERR_NOTFOUND); i++)
        e = table_drop(t, TABLE_CHUNK, schema_chunk_key(&k, id, i), f);
    return e == ERR_NOTFOUND ? ERR_OK : e; /* a body that was incomplete is gone all the same */
}

enum err blob_drop(struct txn *t, uint64_t id, struct fault *f)
{
    struct blob_info is;
    enum err e = blob_info(t, id, &is, f);
    if (e != ERR_OK)
        return e;
    if (is.refs <= 1)
        return blob_gone(t, id, is.chunks, f);
    is.refs--;
    return blob_row_put(t, id, &is, f);
}
