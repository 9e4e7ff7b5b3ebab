#include "store/index_grams.h"
#include "common/mem.h"

#define SEEN_BYTES ((size_t)1 << 21) /* a bit for each three bytes */
#define WIDE_COUNT ((size_t)1 << 17) /* grams of one body in one family; more rule nothing out */
#define SNAPSHOT_STEPS 16u           /* of body_text, in one snapshot */
#define RADIX_BITS 13u

void index_grams_init(struct index_grams *g)
{
    *g = (struct index_grams){.seen = mem_zalloc(SEEN_BYTES)};
    body_text_init(&g->text);
}

void index_grams_fini(struct index_grams *g)
{
    body_text_fini(&g->text);
    mem_free(g->seen);
    mem_free(g->entries);
    mem_free(g->other);
}

void index_grams_clear(struct index_grams *g)
{
    g->count = g->run = 0;
}

void index_grams_trim(struct index_grams *g)
{
    index_grams_clear(g);
    mem_free(g->entries);
    mem_free(g->other);
    g->entries = g->other = NULL;
    g->cap = 0;
}

static void make_room(struct index_grams *g, size_t n)
{
    if (g->cap - g->count >= n)
        return;
    while (g->cap - g->count < n)
        g->cap = g->cap ? g->cap * 2 : 1u << 16;
    g->entries = mem_grow(g->entries, g->cap * sizeof *g->entries);
    mem_free(g->other); /* has nothing between two sorts */
    g->other = NULL;
}

static void add_piece(struct index_grams *g, enum index_row_family family, uint32_t column,
                      struct span piece)
{
    uint32_t gram = 0;
    unsigned run = 0;
    make_room(g, piece.n);
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        gram = (gram << 8 | c) & 0xffffff;
        run = c == (unsigned char)BODY_TEXT_DIVIDER ? 0 : run + 1;
        unsigned char bit = (unsigned char)(1u << (gram & 7));
        if (run < 3 || (g->seen[gram >> 3] & bit))
            continue;
        g->seen[gram >> 3] |= bit;
        g->entries[g->count++] = (uint64_t)((uint32_t)family << 24 | gram) << 16 | column;
    }
}

/* Forgets what has been seen; drop: and the entries as well. */
static void end_run(struct index_grams *g, bool drop)
{
    for (size_t i = g->run; i < g->count; i++)
        g->seen[(g->entries[i] >> 16 & 0xffffff) >> 3] = 0;
    if (drop)
        g->count = g->run;
    g->run = g->count;
}

static enum err read_some(struct index_grams *g, struct store *st, enum index_row_family family,
                          uint32_t column, bool *more, struct fault *f)
{
    struct txn *t;
    struct span piece;
    enum err e = txn_read(st, &t, f);
    if (e != ERR_OK)
        return e;
    for (unsigned i = 0; i < SNAPSHOT_STEPS && *more && e == ERR_OK; i++) {
        e = body_text_step(&g->text, t, &piece, more, f);
        if (e == ERR_OK)
            add_piece(g, family, column, piece);
        *more = *more && g->count - g->run <= WIDE_COUNT;
    }
    txn_read_end(&t);
    return e;
}

static enum err read_family(struct index_grams *g, struct store *st, uint64_t body,
                            enum index_row_family family, uint32_t column, bool *wide_out,
                            struct fault *f)
{
    bool more = true;
    enum err e = ERR_OK;
    body_text_begin(
        &g->text, body,
        family == INDEX_ROW_HEADER ? BODY_TEXT_HEADER | BODY_TEXT_PARTS : BODY_TEXT_BODY, 2);
    while (more && e == ERR_OK)
        e = read_some(g, st, family, column, &more, f);
    *wide_out = g->count - g->run > WIDE_COUNT;
    end_run(g, e != ERR_OK || *wide_out);
    return e;
}

enum err index_grams_read(struct index_grams *g, struct store *st, uint64_t body, uint32_t column,
                          bool *wide_out, struct fault *f)
{
    size_t before = g->count;
    enum err e = read_family(g, st, body, INDEX_ROW_HEADER, column, wide_out, f);
    if (e == ERR_OK && !*wide_out)
        e = read_family(g, st, body, INDEX_ROW_BODY, column, wide_out, f);
    if (e != ERR_OK || *wide_out)
        g->count = g->run = before;
    return e;
}

static void sort_pass(const struct index_grams *g, const uint64_t *from, uint64_t *to,
                      unsigned shift)
{
    size_t *at = mem_zalloc(((size_t)1 << RADIX_BITS) * sizeof *at), sum = 0;
    uint64_t mask = (UINT64_C(1) << RADIX_BITS) - 1;
    for (size_t i = 0; i < g->count; i++)
        at[from[i] >> shift & mask]++;
    for (size_t i = 0; i <= mask; i++) {
        size_t n = at[i];
        at[i] = sum;
        sum += n;
    }
    for (size_t i = 0; i < g->count; i++)
        to[at[from[i] >> shift & mask]++] = from[i];
    mem_free(at);
}

/* Columns were added in order, and each pass keeps the order in which it finds equal ones. */
void index_grams_sort(struct index_grams *g)
{
    if (g->count == 0)
        return;
    if (!g->other)
        g->other = mem_alloc(g->cap * sizeof *g->other);
    sort_pass(g, g->entries, g->other, 16);
    sort_pass(g, g->other, g->entries, 16 + RADIX_BITS);
}
