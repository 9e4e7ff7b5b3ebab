#include "store/index_merge.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/table.h"

#include <inttypes.h>
#include <stdlib.h>

#define GONE UINT16_MAX

/* One of the segments: its next line, and where its columns go. */
struct input {
    struct index_segment segment;
    uint16_t *to; /* GONE: nowhere */
    bool has;
    uint32_t gram;
    struct span line;
};

struct merge {
    struct store *store;
    struct input inputs[INDEX_MERGE_MAX];
    size_t count;
    struct index_row_column *columns;
    uint32_t column_count;
};

static enum err is_there(struct txn *t, uint64_t body, bool *out, struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, 64);
    enum err e = table_get(t, TABLE_BODY, schema_id_key(&k, body), &row, f);
    *out = e != ERR_NOTFOUND;
    buf_fini(&row);
    return e == ERR_NOTFOUND || e == ERR_LIMIT ? ERR_OK : e;
}

/* A column of an input that stays. */
struct place {
    struct index_row_column column;
    uint16_t input, at;
};

static int place_cmp(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->column.body < y->column.body ? -1 : x->column.body > y->column.body;
}

static enum err load_input(struct merge *m, struct txn *t, uint64_t id, struct place *places,
                           uint32_t *n, struct fault *f)
{
    struct input *in = &m->inputs[m->count];
    enum err e = index_segment_load(t, id, &in->segment, f);
    if (e != ERR_OK)
        return e;
    in->to = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *in->to);
    m->count++;
    for (uint32_t i = 0; i < in->segment.column_count && e == ERR_OK; i++) {
        bool stays;
        in->to[i] = GONE;
        e = is_there(t, in->segment.columns[i].body, &stays, f);
        if (e != ERR_OK || !stays)
            continue;
        if (*n == INDEX_ROW_COLUMNS_MAX)
            return fault_set(f, ERR_LIMIT, "segments of the index have too many columns");
        places[(*n)++] =
            (struct place){in->segment.columns[i], (uint16_t)(m->count - 1), (uint16_t)i};
    }
    return e;
}

static enum err load_all(struct merge *m, const uint64_t *segments, size_t n, struct fault *f)
{
    struct place *places = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *places);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        struct txn *t;
        e = txn_read(m->store, &t, f);
        if (e == ERR_OK)
            e = load_input(m, t, segments[i], places, &m->column_count, f);
        txn_read_end(&t);
    }
    qsort(places, m->column_count, sizeof *places, place_cmp);
    m->columns = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *m->columns);
    for (uint32_t i = 0; i < m->column_count; i++) {
        m->columns[i] = places[i].column;
        m->inputs[places[i].input].to[places[i].at] = (uint16_t)i;
    }
    mem_free(places);
    return e;
}

static void step(struct input *in)
{
    in->has = index_segment_next(&in->segment, &in->gram, &in->line);
}

/* Adds the bits of the input's line where they go. */
static bool add_line(struct input *in, struct index_row_bits *bits)
{
    struct index_row_bits of;
    uint32_t n = in->segment.column_count;
    if (!index_row_line(in->line, n, &of))
        return false;
    for (uint32_t w = 0; w * 64 < n; w++) {
        for (uint64_t word = of.words[w]; word; word &= word - 1) {
            uint16_t to = in->to[w * 64 + (uint32_t)__builtin_ctzll(word)];
            if (to != GONE)
                index_row_bit_set(bits, to);
        }
    }
    return true;
}

static bool has_any(const struct index_row_bits *bits)
{
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof bits->words / sizeof *bits->words; i++)
        any |= bits->words[i];
    return any != 0;
}

/* The line with the smallest gram of all. False: no more. */
static bool merge_line(struct merge *m, uint32_t *gram, struct index_row_bits *bits, bool *damaged)
{
    bool has = false;
    for (size_t i = 0; i < m->count; i++) {
        const struct input *in = &m->inputs[i];
        *damaged = *damaged || in->segment.walk.damaged;
        if (in->has && (!has || in->gram < *gram)) {
            *gram = in->gram;
            has = true;
        }
    }
    memset(bits, 0, sizeof *bits);
    for (size_t i = 0; has && i < m->count; i++) {
        struct input *in = &m->inputs[i];
        if (!in->has || in->gram != *gram)
            continue;
        *damaged = *damaged || !add_line(in, bits);
        step(in);
    }
    return has && !*damaged;
}

static enum err write_all(struct merge *m, const uint64_t *segments, uint64_t into, struct fault *f)
{
    struct index_segment_writer w;
    struct index_row_bits bits;
    uint32_t gram = 0;
    bool damaged = false;
    if (m->column_count == 0)
        return index_segment_forget(m->store, segments, m->count, f);
    for (size_t i = 0; i < m->count; i++)
        step(&m->inputs[i]);
    index_segment_begin(&w, m->store, into, m->columns, m->column_count);
    while (w.state == ERR_OK && merge_line(m, &gram, &bits, &damaged)) {
        if (has_any(&bits))
            index_segment_add(&w, gram, &bits, f);
    }
    if (damaged)
        w.state = fault_set(f, ERR_CORRUPT, "a segment of the index is damaged");
    return index_segment_end(&w, segments, m->count, f);
}

enum err index_merge(struct store *st, const uint64_t *segments, size_t n, uint64_t into,
                     uint32_t *columns_out, struct fault *f)
{
    must(n <= INDEX_MERGE_MAX);
    struct merge m = {.store = st};
    enum err e = load_all(&m, segments, n, f);
    if (e == ERR_OK)
        e = write_all(&m, segments, into, f);
    *columns_out = m.column_count;
    for (size_t i = 0; i < m.count; i++) {
        index_segment_fini(&m.inputs[i].segment);
        mem_free(m.inputs[i].to);
    }
    mem_free(m.columns);
    return e;
}
