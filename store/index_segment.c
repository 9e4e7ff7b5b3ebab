#include "store/index_segment.h"
#include "common/le.h"
#include "common/mem.h"
#include "store/table.h"

#include <inttypes.h>

#define ROWS_PER_OPERATION 256u /* some milliseconds of the committer's */
#define DROPS_PER_OPERATION 512u
#define FRAME_BYTES 8u

/* --- writing --- */

void index_segment_begin(struct index_segment_writer *w, struct store *st, uint64_t segment,
                         const struct index_row_column *columns, uint32_t n)
{
    *w = (struct index_segment_writer){
        .store = st, .segment = segment, .columns = columns, .column_count = n};
    buf_init(&w->row, INDEX_ROW_BYTES);
    buf_init(&w->line, INDEX_ROW_BYTES);
    buf_init(&w->waiting, SIZE_MAX);
}

struct rows_op {
    struct store_op op;
    const struct index_segment_writer *writer;
    const uint64_t *replaced;
    size_t replaced_count;
    struct buf head;
};

static void add_frame(struct buf *out, uint32_t first, struct span row)
{
    char frame[FRAME_BYTES];
    le_put(frame, first, 4);
    le_put(frame + 4, row.n, 4);
    (void)buf_add(out, span_of(frame, sizeof frame));
    (void)buf_add(out, row);
}

static bool take_frame(struct span *rest, uint32_t *first, struct span *row)
{
    if (rest->n < FRAME_BYTES)
        return false;
    *first = le_get32(rest->p);
    *row = span_to(span_from(*rest, FRAME_BYTES), le_get32(rest->p + 4));
    *rest = span_from(*rest, FRAME_BYTES + row->n);
    return true;
}

static enum err rows_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct rows_op *o = (const struct rows_op *)(const void *)op;
    struct span rest = buf_span(&o->writer->waiting), row;
    struct schema_key k;
    uint32_t first;
    enum err e = ERR_OK;
    while (e == ERR_OK && take_frame(&rest, &first, &row))
        e = table_put(t, TABLE_INDEX, index_row_key(&k, o->writer->segment, first), row, f);
    return e;
}

static void send_rows(struct index_segment_writer *w, struct fault *f)
{
    struct rows_op o = {.op = {.apply = rows_apply}, .writer = w};
    if (w->state == ERR_OK && w->waiting_count > 0)
        w->state = committer_run(w->store, &o.op, f);
    buf_reset(&w->waiting);
    w->waiting_count = 0;
}

static void end_row(struct index_segment_writer *w, struct fault *f)
{
    if (w->row.n == 0)
        return;
    add_frame(&w->waiting, w->first, buf_span(&w->row));
    w->bytes += w->row.n;
    buf_reset(&w->row);
    if (++w->waiting_count == ROWS_PER_OPERATION)
        send_rows(w, f);
}

void index_segment_add(struct index_segment_writer *w, uint32_t gram,
                       const struct index_row_bits *bits, struct fault *f)
{
    buf_reset(&w->line);
    index_row_add(&w->line, w->last, gram, bits, w->column_count);
    if (w->row.n == 0 || w->row.n + w->line.n > INDEX_ROW_BYTES) {
        end_row(w, f);
        w->first = gram;
        buf_reset(&w->line);
        index_row_add(&w->line, gram, gram, bits, w->column_count);
    }
    (void)buf_add(&w->row, buf_span(&w->line));
    w->last = gram;
}

static enum err drop_heads(struct txn *t, const uint64_t *segments, size_t n, struct fault *f)
{
    struct schema_key k;
    for (size_t i = 0; i < n; i++) {
        enum err e = table_drop(t, TABLE_INDEX, index_row_head_key(&k, segments[i]), f);
        if (e != ERR_OK && e != ERR_NOTFOUND)
            return e;
    }
    return ERR_OK;
}

static enum err head_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct rows_op *o = (struct rows_op *)(void *)op;
    struct schema_key k;
    enum err e = rows_apply(t, op, f);
    if (e == ERR_OK && o->head.n > 0)
        e = table_put(t, TABLE_INDEX, index_row_head_key(&k, o->writer->segment),
                      buf_span(&o->head), f);
    return e == ERR_OK ? drop_heads(t, o->replaced, o->replaced_count, f) : e;
}

enum err index_segment_end(struct index_segment_writer *w, const uint64_t *replaced, size_t n,
                           struct fault *f)
{
    struct rows_op o = {
        .op = {.apply = head_apply}, .writer = w, .replaced = replaced, .replaced_count = n};
    end_row(w, f);
    buf_init(&o.head, SIZE_MAX);
    index_row_head(w->columns, w->column_count, w->bytes, &o.head);
    if (w->state == ERR_OK)
        w->state = committer_run(w->store, &o.op, f);
    buf_fini(&o.head);
    buf_fini(&w->row);
    buf_fini(&w->line);
    buf_fini(&w->waiting);
    return w->state;
}

/* --- reading --- */

static enum err load_head(struct txn *t, struct index_segment *s, struct fault *f)
{
    struct schema_key k;
    struct index_row_head head;
    struct buf value;
    buf_init(&value, SIZE_MAX);
    enum err e = table_get(t, TABLE_INDEX, index_row_head_key(&k, s->id), &value, f);
    if (e == ERR_OK && !index_row_head_of(buf_span(&value), &head, s->columns))
        e = fault_set(f, ERR_CORRUPT, "segment %" PRIu64 " of the index is damaged", s->id);
    if (e == ERR_OK)
        s->column_count = head.columns;
    buf_fini(&value);
    return e;
}

static enum err load_rows(struct txn *t, struct index_segment *s, struct fault *f)
{
    struct schema_key k;
    struct table_walk w;
    struct span key, value;
    uint64_t segment;
    uint32_t first;
    table_walk(&w, t, TABLE_INDEX, index_row_key(&k, s->id, 0), false);
    while (table_walk_next(&w, &key, &value) && index_row_key_of(key, &segment, &first) &&
           segment == s->id)
        add_frame(&s->rows, first, value);
    return table_walk_end(&w, f);
}

enum err index_segment_load(struct txn *t, uint64_t id, struct index_segment *out, struct fault *f)
{
    *out = (struct index_segment){.id = id};
    out->columns = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *out->columns);
    buf_init(&out->rows, SIZE_MAX);
    enum err e = load_head(t, out, f);
    if (e == ERR_OK)
        e = load_rows(t, out, f);
    out->rest = buf_span(&out->rows);
    if (e != ERR_OK)
        index_segment_fini(out);
    return e;
}

void index_segment_fini(struct index_segment *s)
{
    mem_free(s->columns);
    s->columns = NULL;
    buf_fini(&s->rows);
}

bool index_segment_next(struct index_segment *s, uint32_t *gram, struct span *line)
{
    struct span row;
    uint32_t first;
    while (!index_row_walk_next(&s->walk, gram, line)) {
        if (s->walk.damaged || !take_frame(&s->rest, &first, &row))
            return false;
        index_row_walk(&s->walk, row, first);
    }
    return true;
}

/* --- dropping --- */

struct drop_op {
    struct store_op op;
    const uint64_t *segments;
    size_t n;
    bool more;
};

static enum err forget_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct drop_op *d = (const struct drop_op *)(const void *)op;
    return drop_heads(t, d->segments, d->n, f);
}

enum err index_segment_forget(struct store *st, const uint64_t *segments, size_t n, struct fault *f)
{
    struct drop_op d = {.op = {.apply = forget_apply}, .segments = segments, .n = n};
    return committer_run(st, &d.op, f);
}

static enum err sweep_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct drop_op *d = (struct drop_op *)(void *)op;
    struct schema_key k;
    struct table_walk w;
    struct span key, value;
    uint64_t segment = 0;
    uint32_t first;
    unsigned dropped = 0;
    enum err e = ERR_OK;
    d->more = false;
    e = drop_heads(t, d->segments, d->n, f); /* a damaged one may be left */
    table_walk(&w, t, TABLE_INDEX, index_row_key(&k, *d->segments, 0), false);
    while (e == ERR_OK && !d->more && table_walk_next(&w, &key, &value) &&
           index_row_key_of(key, &segment, &first) && segment == *d->segments) {
        e = table_drop(t, TABLE_INDEX, key, f);
        d->more = ++dropped == DROPS_PER_OPERATION;
    }
    enum err walked = table_walk_end(&w, f);
    return e == ERR_OK ? walked : e;
}

enum err index_segment_sweep(struct store *st, uint64_t segment, bool *more_out, struct fault *f)
{
    struct drop_op d = {.op = {.apply = sweep_apply}, .segments = &segment, .n = 1};
    enum err e = committer_run(st, &d.op, f);
    *more_out = e == ERR_OK && d.more;
    return e;
}
