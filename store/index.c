#include "store/index.h"
#include "common/log.h"
#include "common/mem.h"
#include "store/index_row.h"
#include "store/index_survey.h"
#include "store/table.h"

#include <inttypes.h>

/* Room: what the index knows, held against needles. A needle lies within one run of one family, so a body may hold it only if in
 * one of the families it has every gram of it. */

#define GRAMS_PER_NEEDLE 16u /* of a longer one, so many spread over it */

struct filter {
    struct txn *t;
    unsigned what;
    const struct span *needles;
    size_t needle_count;
    const uint64_t *bodies;
    size_t body_count;
    unsigned char *maybe;
    size_t at; /* bodies before it are smaller than those of the segment */
    struct buf key, row;
    struct index_row_column *columns;
};

/* The first of the bodies that is not smaller. */
static size_t lower_bound(const struct filter *x, uint64_t body)
{
    size_t low = 0, high = x->body_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (x->bodies[mid] < body)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Those of the segment's columns that are asked for and not yet ruled out; whether there are any. */
static bool select_columns(struct filter *x, uint32_t n, struct index_row_bits *asked)
{
    bool any = false;
    memset(asked, 0, sizeof *asked);
    if (n == 0 || x->columns[n - 1].body < x->bodies[0])
        return false;
    size_t i = x->at = lower_bound(x, x->columns[0].body);
    for (uint32_t c = 0; c < n && i < x->body_count; c++) {
        while (i < x->body_count && x->bodies[i] < x->columns[c].body)
            i++;
        if (i < x->body_count && x->bodies[i] == x->columns[c].body && x->maybe[i] &&
            !x->columns[c].wide) {
            index_row_bit_set(asked, c);
            any = true;
        }
    }
    return any;
}

static enum err damaged(uint64_t segment, struct fault *f)
{
    return fault_set(
        f, ERR_CORRUPT,
        "segment %" PRIu64 " of the search index is damaged: mailstead reindex mends it", segment);
}

/* The line of a gram; none where it has no line. */
static enum err read_line(struct filter *x, uint64_t segment, uint32_t columns, uint32_t gram,
                          struct index_row_bits *out, struct fault *f)
{
    struct schema_key k;
    struct index_row_walk w;
    struct span line;
    uint64_t found;
    uint32_t first, at;
    memset(out, 0, sizeof *out);
    enum err e =
        table_floor(x->t, TABLE_INDEX, index_row_key(&k, segment, gram), &x->key, &x->row, f);
    if (e != ERR_OK)
        return e == ERR_NOTFOUND ? ERR_OK : e;
    if (!index_row_key_of(buf_span(&x->key), &found, &first) || found != segment)
        return ERR_OK;
    index_row_walk(&w, buf_span(&x->row), first);
    while (index_row_walk_next(&w, &at, &line) && at <= gram) {
        if (at == gram)
            return index_row_line(line, columns, out) ? ERR_OK : damaged(segment, f);
    }
    return w.damaged ? damaged(segment, f) : ERR_OK;
}

/* Leaves of bits those columns; whether any is left. */
static bool keep_common(struct index_row_bits *bits, const struct index_row_bits *other)
{
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof bits->words / sizeof *bits->words; i++)
        any |= bits->words[i] &= other->words[i];
    return any != 0;
}

/* Leaves of bits the columns that have all grams of the needle in that family. */
static enum err keep_holders(struct filter *x, uint64_t segment, uint32_t columns,
                             enum index_row_family family, struct span needle,
                             struct index_row_bits *bits, struct fault *f)
{
    struct index_row_bits line;
    size_t grams = needle.n - INDEX_NEEDLE_BYTES + 1;
    size_t n = grams < GRAMS_PER_NEEDLE ? grams : GRAMS_PER_NEEDLE;
    for (size_t i = 0; i < n; i++) {
        const char *p = needle.p + (n > 1 ? i * (grams - 1) / (n - 1) : 0);
        enum err e =
            read_line(x, segment, columns, INDEX_ROW_GRAM(family, p[0], p[1], p[2]), &line, f);
        if (e != ERR_OK || !keep_common(bits, &line))
            return e;
    }
    return ERR_OK;
}

static enum err keep_needle(struct filter *x, uint64_t segment, uint32_t columns,
                            struct span needle, struct index_row_bits *bits, struct fault *f)
{
    static const unsigned parts[INDEX_ROW_FAMILIES] = {
        [INDEX_ROW_HEADER] = BODY_TEXT_HEADER | BODY_TEXT_PARTS, [INDEX_ROW_BODY] = BODY_TEXT_BODY};
    struct index_row_bits any = {{0}};
    for (unsigned family = 0; family < INDEX_ROW_FAMILIES; family++) {
        struct index_row_bits here = *bits;
        if (!(x->what & parts[family]))
            continue;
        enum err e =
            keep_holders(x, segment, columns, (enum index_row_family)family, needle, &here, f);
        if (e != ERR_OK)
            return e;
        for (size_t i = 0; i < sizeof any.words / sizeof *any.words; i++)
            any.words[i] |= here.words[i];
    }
    (void)keep_common(bits, &any);
    return ERR_OK;
}

static enum err filter_segment(struct filter *x, uint64_t segment, struct span head,
                               struct fault *f)
{
    struct index_row_head h;
    struct index_row_bits asked, bits;
    if (!index_row_head_of(head, &h, x->columns))
        return damaged(segment, f);
    if (!select_columns(x, h.columns, &asked))
        return ERR_OK;
    bits = asked;
    for (size_t i = 0; i < x->needle_count; i++) {
        if (x->needles[i].n < INDEX_NEEDLE_BYTES)
            continue;
        enum err e = keep_needle(x, segment, h.columns, x->needles[i], &bits, f);
        if (e != ERR_OK)
            return e;
    }
    size_t i = x->at;
    for (uint32_t c = 0; c < h.columns; c++) {
        if (!index_row_bit(&asked, c) || index_row_bit(&bits, c))
            continue;
        while (x->bodies[i] < x->columns[c].body)
            i++;
        x->maybe[i] = 0;
    }
    return ERR_OK;
}

/* A damaged segment rules nothing out: the search is slower, and right. */
static enum err pass_damage(enum err e, const struct fault *f)
{
    if (e != ERR_CORRUPT)
        return e;
    log_event(LOG_ERROR, NULL, "store.index_damaged", "text=\"%s\"",
              LOG_SPAN(span_cstr(f ? f->text : "")));
    return ERR_OK;
}

static enum err filter_all(struct filter *x, struct fault *f)
{
    struct schema_key k;
    struct table_walk w;
    struct span key, value;
    uint64_t segment;
    enum err e = ERR_OK;
    table_walk(&w, x->t, TABLE_INDEX, index_row_head_key(&k, 0), false);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && index_row_head_key_of(key, &segment))
        e = pass_damage(filter_segment(x, segment, value, f), f);
    enum err walked = table_walk_end(&w, f);
    return e == ERR_OK ? walked : e;
}

enum err index_filter_in(struct txn *t, unsigned what, const struct span *needles,
                         size_t needle_count, const uint64_t *bodies, size_t body_count,
                         unsigned char *maybe, struct fault *f)
{
    struct filter x = {.t = t,
                       .what = what,
                       .needles = needles,
                       .needle_count = needle_count,
                       .bodies = bodies,
                       .body_count = body_count,
                       .maybe = maybe};
    if (body_count == 0)
        return ERR_OK;
    x.columns = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *x.columns);
    buf_init(&x.key, SCHEMA_KEY_BYTES);
    buf_init(&x.row, SIZE_MAX);
    enum err e = filter_all(&x, f);
    buf_fini(&x.key);
    buf_fini(&x.row);
    mem_free(x.columns);
    return e;
}

enum err index_filter(struct txn *t, const struct span *needles, size_t needle_count,
                      const uint64_t *bodies, size_t body_count, unsigned char *maybe,
                      struct fault *f)
{
    return index_filter_in(t, BODY_TEXT_ALL, needles, needle_count, bodies, body_count, maybe, f);
}

enum err index_state(struct store *st, struct index_state *out, struct fault *f)
{
    struct index_survey s;
    index_survey_init(&s);
    enum err e = index_survey(&s, st, f);
    *out = (struct index_state){
        .indexed = index_survey_live(&s), .segments = s.segment_count, .bytes = s.bytes};
    out->bodies = out->indexed + s.tail_count;
    index_survey_fini(&s);
    return e;
}
