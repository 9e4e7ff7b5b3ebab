#include "common/mem.h"
#include "store/check_state.h"
#include "store/index_grams.h"
#include "store/index_segment.h"

#include <inttypes.h>

#define SAMPLES 8u /* bodies of a segment that are read again */

/* A body and its grams, in order. */
struct sample {
    uint32_t column;
    struct index_grams grams;
    size_t at;
    bool broken;
};

static void read_sample(struct check *c, const struct index_segment *s, uint32_t column,
                        struct sample *out, struct fault *f)
{
    bool wide;
    struct fault ignored = FAULT_NONE;
    (void)f;
    *out = (struct sample){.column = column};
    index_grams_init(&out->grams);
    /* One that is gone, or damaged, has nothing that could be missing; other lines tell of damage. */
    if (s->columns[column].wide ||
        index_grams_read(&out->grams, txn_store(c->t), s->columns[column].body, 0, &wide,
                         &ignored) != ERR_OK)
        index_grams_clear(&out->grams);
    index_grams_sort(&out->grams);
}

/* All grams of the sample before this one have been passed, and it has this one only if its bit is set. */
static void hold_against(struct check *c, const struct index_segment *s, struct sample *p,
                         uint64_t gram, const struct index_row_bits *bits)
{
    const struct index_grams *g = &p->grams;
    bool missing = false;
    for (; p->at < g->count && g->entries[p->at] >> 16 <= gram; p->at++)
        missing = missing || g->entries[p->at] >> 16 < gram || !index_row_bit(bits, p->column);
    if (missing && !p->broken)
        check_broken(c, 18,
                     "body %" PRIu64 ": segment %" PRIu64
                     " of the search index rules out a text that it has",
                     s->columns[p->column].body, s->id);
    p->broken = p->broken || missing;
}

static void check_lines(struct check *c, struct index_segment *s, struct sample *samples,
                        unsigned n)
{
    struct index_row_bits bits;
    struct span line;
    uint32_t gram, before = 0;
    bool good = true;
    while (good && index_segment_next(s, &gram, &line)) {
        good = gram > before && index_row_line(line, s->column_count, &bits);
        before = gram;
        for (unsigned i = 0; good && i < n; i++)
            hold_against(c, s, &samples[i], gram, &bits);
    }
    if (!good || s->walk.damaged) {
        check_broken(c, 1, "segment %" PRIu64 " of the search index: damaged row", s->id);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        hold_against(c, s, &samples[i], UINT64_MAX, &bits);
}

static void check_segment(struct check *c, uint64_t id, struct fault *f)
{
    struct index_segment s;
    struct sample samples[SAMPLES];
    unsigned n = 0;
    if (index_segment_load(c->t, id, &s, f) != ERR_OK) {
        check_broken(c, 1, "segment %" PRIu64 " of the search index: damaged head", id);
        return;
    }
    for (; n < SAMPLES && n < s.column_count; n++)
        read_sample(c, &s, (uint32_t)((uint64_t)n * s.column_count / SAMPLES), &samples[n], f);
    check_lines(c, &s, samples, n);
    for (unsigned i = 0; i < n; i++)
        index_grams_fini(&samples[i].grams);
    index_segment_fini(&s);
}

static void index_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t segment;
    uint32_t gram;
    (void)
        value; /* read with its segment; posting rows without a head are in the making, or being dropped */
    if (index_row_head_key_of(key, &segment))
        check_segment(c, segment, f);
    else if (!index_row_key_of(key, &segment, &gram))
        check_broken(c, 1, "search index: damaged key");
}

enum err check_index_read(struct check *c, struct fault *f)
{
    return check_table(c, TABLE_INDEX, index_row, f);
}
