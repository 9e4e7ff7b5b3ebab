#include "store/index_survey.h"
#include "common/mem.h"
#include "store/table.h"

#include <stdlib.h>

#define ROWS_PER_SNAPSHOT 20000u

void index_survey_init(struct index_survey *s)
{
    *s = (struct index_survey){.next_segment = 1};
}

void index_survey_fini(struct index_survey *s)
{
    mem_free(s->segments);
    mem_free(s->orphans);
    mem_free(s->tail);
}

static void *room(void *array, size_t n, size_t *cap, size_t bytes)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    return mem_grow(array, *cap * bytes);
}

void index_survey_add(struct index_survey *s, uint64_t segment, uint32_t live)
{
    s->segments = room(s->segments, s->segment_count, &s->segment_cap, sizeof *s->segments);
    s->segments[s->segment_count++] = (struct index_survey_segment){segment, live};
}

void index_survey_orphan(struct index_survey *s, uint64_t segment)
{
    s->orphans = room(s->orphans, s->orphan_count, &s->orphan_cap, sizeof *s->orphans);
    s->orphans[s->orphan_count++] = segment;
}

void index_survey_remove(struct index_survey *s, uint64_t segment)
{
    size_t i = 0;
    while (i < s->segment_count && s->segments[i].id != segment)
        i++;
    if (i == s->segment_count)
        return;
    s->segment_count--;
    memmove(s->segments + i, s->segments + i + 1, (s->segment_count - i) * sizeof *s->segments);
    index_survey_orphan(s, segment);
}

uint64_t index_survey_live(const struct index_survey *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->segment_count; i++)
        sum += s->segments[i].live;
    return sum;
}

static void add_to_tail(struct index_survey *s, uint64_t body)
{
    s->tail = room(s->tail, s->tail_count, &s->tail_cap, sizeof *s->tail);
    s->tail[s->tail_count++] = body;
}

/* --- the index --- */

/* A body that a segment has. */
struct covered {
    uint64_t body;
    size_t segment; /* of s->segments */
};
struct cover {
    struct covered *list;
    size_t count, cap, at;
};

static int covered_cmp(const void *a, const void *b)
{
    const struct covered *x = a, *y = b;
    return x->body < y->body ? -1 : x->body > y->body;
}

static void saw_segment(struct index_survey *s, uint64_t id)
{
    if (id >= s->next_segment)
        s->next_segment = id + 1;
}

static void look_at_head(struct index_survey *s, struct cover *c, uint64_t id, struct span value,
                         struct index_row_column *columns)
{
    struct index_row_head head;
    saw_segment(s, id);
    if (!index_row_head_of(value, &head, columns)) {
        index_survey_orphan(s, id);
        return;
    }
    for (uint32_t i = 0; i < head.columns; i++) {
        c->list = room(c->list, c->count, &c->cap, sizeof *c->list);
        c->list[c->count++] = (struct covered){columns[i].body, s->segment_count};
    }
    s->bytes += head.bytes;
    index_survey_add(s, id, 0);
}

static enum err look_at_heads(struct index_survey *s, struct txn *t, struct cover *c,
                              struct fault *f)
{
    struct index_row_column *columns = mem_alloc(INDEX_ROW_COLUMNS_MAX * sizeof *columns);
    struct schema_key k;
    struct table_walk w;
    struct span key, value;
    uint64_t id;
    table_walk(&w, t, TABLE_INDEX, index_row_head_key(&k, 0), false);
    while (table_walk_next(&w, &key, &value) && index_row_head_key_of(key, &id))
        look_at_head(s, c, id, value, columns);
    mem_free(columns);
    if (c->count > 1)
        qsort(c->list, c->count, sizeof *c->list, covered_cmp);
    return table_walk_end(&w, f);
}

/* The segment of the first posting row from that segment on; 0: none. */
static enum err first_rows(struct txn *t, uint64_t from, uint64_t *out, struct fault *f)
{
    struct schema_key k;
    struct table_walk w;
    struct span key, value;
    uint32_t gram;
    *out = 0;
    table_walk(&w, t, TABLE_INDEX, index_row_key(&k, from, 0), true);
    if (table_walk_next(&w, &key, &value))
        (void)index_row_key_of(key, out, &gram);
    return table_walk_end(&w, f);
}

static enum err look_for_orphans(struct index_survey *s, struct txn *t, struct fault *f)
{
    size_t i = 0;
    uint64_t id = 0;
    enum err e = first_rows(t, 0, &id, f);
    while (e == ERR_OK && id != 0) {
        saw_segment(s, id);
        while (i < s->segment_count && s->segments[i].id < id)
            i++;
        if (i == s->segment_count || s->segments[i].id != id)
            index_survey_orphan(s, id);
        e = first_rows(t, id + 1, &id, f);
    }
    return e;
}

/* --- the bodies --- */

/* Whether a segment has it; counts it there. */
static bool is_covered(struct index_survey *s, struct cover *c, uint64_t body)
{
    while (c->at < c->count && c->list[c->at].body < body)
        c->at++;
    if (c->at == c->count || c->list[c->at].body != body)
        return false;
    s->segments[c->list[c->at].segment].live++;
    return true;
}

/* Some bodies from next_body on; c may be NULL. *more_out: there may be others. */
static enum err look_at_bodies(struct index_survey *s, struct store *st, struct cover *c,
                               size_t max, bool *more_out, struct fault *f)
{
    struct schema_key k;
    struct table_walk w;
    struct txn *t;
    struct span key, value;
    uint64_t body;
    size_t n = 0;
    enum err e = txn_read(st, &t, f);
    if (e != ERR_OK)
        return e;
    table_walk(&w, t, TABLE_BODY, schema_id_key(&k, s->next_body), c == NULL);
    while (n < max && table_walk_next(&w, &key, &value)) {
        if (!schema_id_of(key, &body))
            continue;
        n++;
        s->next_body = body + 1;
        if (!c || !is_covered(s, c, body))
            add_to_tail(s, body);
    }
    e = table_walk_end(&w, f);
    txn_read_end(&t);
    *more_out = n == max;
    return e;
}

enum err index_survey_more(struct index_survey *s, struct store *st, size_t max, struct fault *f)
{
    bool more;
    return look_at_bodies(s, st, NULL, max, &more, f);
}

enum err index_survey(struct index_survey *s, struct store *st, struct fault *f)
{
    struct cover c = {0};
    struct txn *t;
    bool more = true;
    s->segment_count = s->orphan_count = s->tail_count = 0;
    s->next_body = s->bytes = 0;
    enum err e = txn_read(st, &t, f);
    if (e != ERR_OK)
        return e;
    e = look_at_heads(s, t, &c, f);
    if (e == ERR_OK)
        e = look_for_orphans(s, t, f);
    txn_read_end(&t);
    while (e == ERR_OK && more)
        e = look_at_bodies(s, st, &c, ROWS_PER_SNAPSHOT, &more, f);
    mem_free(c.list);
    return e;
}
