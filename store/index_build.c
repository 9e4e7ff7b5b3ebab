#include "store/index_build.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/index_grams.h"
#include "store/index_merge.h"
#include "store/index_survey.h"
#include "store/state.h"

#include <inttypes.h>
#include <pthread.h>

#define BATCH_BODIES 1024u            /* of one segment at first */
#define BATCH_GRAMS ((size_t)3 << 19) /* bounds its memory: two times 16 MB */
#define FLUSH_BODIES 512u             /* so many make a segment at once, fewer ... */
#define FLUSH_MS 1000u                /* ... when they have waited so long */
#define REFILL_BODIES 4096u           /* looked for at a time */
#define SURVEY_MS 60000u              /* between two surveys, at least ... */
#define SURVEY_SHARE 100u             /* ... and so many times as long as one takes */
#define ORPHANS_MAX 16u               /* so many may wait until there is nothing else to do */

struct index_build {
    struct store *store;
    pthread_mutex_t mutex; /* of all that follows */
    bool surveyed;
    struct index_survey survey;
    uint64_t survey_next;   /* clock_ms */
    unsigned long batches;  /* at the last survey */
    size_t tail_at;         /* survey.tail before it has been indexed */
    uint64_t waiting_since; /* clock_ms of the oldest of the tail; 0: it is empty */
    struct index_grams grams;
    struct index_row_column columns[BATCH_BODIES];
    bool failing; /* said once */
};

struct index_build *index_build_new(struct store *st)
{
    struct index_build *b = mem_new(struct index_build);
    b->store = st;
    index_survey_init(&b->survey);
    index_grams_init(&b->grams);
    must(pthread_mutex_init(&b->mutex, NULL) == 0);
    return b;
}

void index_build_free(struct index_build **build)
{
    struct index_build *b = *build;
    if (!b)
        return;
    index_survey_fini(&b->survey);
    index_grams_fini(&b->grams);
    (void)pthread_mutex_destroy(&b->mutex);
    mem_free(b);
    *build = NULL;
}

/* --- the tail --- */

static size_t tail_left(const struct index_build *b)
{
    return b->survey.tail_count - b->tail_at;
}

static enum err look_around(struct index_build *b, struct fault *f)
{
    uint64_t began = clock_ms();
    b->batches = committer_batches(b->store);
    b->tail_at = 0;
    enum err e = index_survey(&b->survey, b->store, f);
    uint64_t now = clock_ms(), took = (now - began) * SURVEY_SHARE;
    b->survey_next = now + (took > SURVEY_MS ? took : SURVEY_MS);
    b->surveyed = e == ERR_OK;
    return e;
}

static bool survey_is_due(const struct index_build *b)
{
    return !b->surveyed ||
           (clock_ms() >= b->survey_next && b->batches != committer_batches(b->store));
}

static bool is_ripe(struct index_build *b, bool hurry)
{
    uint64_t now = clock_ms();
    if (tail_left(b) == 0)
        b->waiting_since = 0;
    else if (b->waiting_since == 0)
        b->waiting_since = now;
    return tail_left(b) >= FLUSH_BODIES ||
           (tail_left(b) > 0 && (hurry || now - b->waiting_since >= FLUSH_MS));
}

/* Takes the first of the tail in; those that are gone are passed over. */
static enum err read_bodies(struct index_build *b, uint32_t *columns_out, size_t *took_out,
                            struct fault *f)
{
    uint32_t n = 0;
    size_t at = b->tail_at;
    enum err e = ERR_OK;
    index_grams_clear(&b->grams);
    for (; at < b->survey.tail_count && n < BATCH_BODIES && b->grams.count < BATCH_GRAMS; at++) {
        struct index_row_column *c = &b->columns[n];
        c->body = b->survey.tail[at];
        e = index_grams_read(&b->grams, b->store, c->body, n, &c->wide, f);
        if (e == ERR_CORRUPT) { /* who searches it will be told */
            log_event(LOG_WARN, NULL, "store.not_indexed", "body=%" PRIu64 " text=\"%s\"", c->body,
                      LOG_SPAN(span_cstr(f->text)));
            c->wide = true;
            e = ERR_OK;
        }
        if (e == ERR_OK)
            n++;
        else if (e != ERR_NOTFOUND)
            return e;
    }
    *columns_out = n;
    *took_out = at - b->tail_at;
    return ERR_OK;
}

static void write_lines(struct index_segment_writer *w, const struct index_grams *g,
                        struct fault *f)
{
    struct index_row_bits bits = {{0}};
    for (size_t i = 0; i < g->count && w->state == ERR_OK;) {
        uint64_t gram = g->entries[i] >> 16;
        memset(&bits, 0, sizeof bits);
        for (; i < g->count && g->entries[i] >> 16 == gram; i++)
            index_row_bit_set(&bits, (uint32_t)(g->entries[i] & 0xffff));
        index_segment_add(w, (uint32_t)gram, &bits, f);
    }
}

static enum err index_batch(struct index_build *b, struct fault *f)
{
    struct index_segment_writer w;
    uint32_t n;
    size_t took;
    enum err e = read_bodies(b, &n, &took, f);
    if (e != ERR_OK)
        return e;
    if (n > 0) {
        uint64_t id = b->survey.next_segment++;
        index_grams_sort(&b->grams);
        index_segment_begin(&w, b->store, id, b->columns, n);
        write_lines(&w, &b->grams, f);
        e = index_segment_end(&w, NULL, 0, f);
        if (e == ERR_OK)
            index_survey_add(&b->survey, id, n);
        else
            index_survey_orphan(&b->survey, id);
    }
    if (e == ERR_OK) {
        b->tail_at += took;
        b->waiting_since = 0;
        if (tail_left(b) < FLUSH_BODIES)
            index_grams_trim(&b->grams);
    }
    return e;
}

/* --- merging --- */

/* Segments of like size, by the bodies that are still there. Of each so many are merged; of the largest fewer, if they make a full
 * one. Full ones are left alone. */
static const struct {
    uint32_t below;
    unsigned segments;
} tiers[] = {{32, 8}, {256, 8}, {INDEX_ROW_COLUMNS_MAX * 3 / 4, INDEX_MERGE_MAX}};
#define TIERS (sizeof tiers / sizeof *tiers)

static size_t tier_of(const struct index_survey_segment *s)
{
    size_t tier = 0;
    while (tier < TIERS && s->live >= tiers[tier].below)
        tier++;
    return tier;
}

/* The oldest of a tier, as many as become one segment; 0: they are to wait for others. */
static size_t choose_of(const struct index_survey *s, size_t tier, uint64_t *ids)
{
    size_t n = 0, count = 0;
    uint32_t sum = 0, all = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        const struct index_survey_segment *at = &s->segments[i];
        if (tier_of(at) != tier)
            continue;
        count++;
        all += at->live;
        if (n == INDEX_MERGE_MAX || sum + at->live > INDEX_ROW_COLUMNS_MAX)
            continue;
        ids[n++] = at->id;
        sum += at->live;
    }
    bool full = tier == TIERS - 1 && all >= INDEX_ROW_COLUMNS_MAX;
    return n > 1 && (full || count >= tiers[tier].segments) ? n : 0;
}

static size_t choose(const struct index_survey *s, uint64_t *ids)
{
    size_t n = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        if (s->segments[i].live == 0) {
            ids[0] = s->segments[i].id;
            return 1;
        }
    }
    for (size_t tier = 0; tier < TIERS && n == 0; tier++)
        n = choose_of(s, tier, ids);
    return n;
}

static enum err merge_some(struct index_build *b, bool *did_out, struct fault *f)
{
    uint64_t ids[INDEX_MERGE_MAX];
    size_t n = choose(&b->survey, ids);
    *did_out = n > 0;
    if (n == 0)
        return ERR_OK;
    uint64_t into = b->survey.next_segment++;
    uint32_t columns = 0;
    enum err e = index_merge(b->store, ids, n, into, &columns, f);
    if (e == ERR_CORRUPT) { /* its bodies are indexed anew */
        log_event(LOG_ERROR, NULL, "store.index_damaged", "text=\"%s\"",
                  LOG_SPAN(span_cstr(f->text)));
        e = index_segment_forget(b->store, ids, n, f);
        b->surveyed = false;
    }
    if (e != ERR_OK) {
        b->surveyed = b->surveyed && e != ERR_LIMIT;
        index_survey_orphan(&b->survey, into);
        return e;
    }
    for (size_t i = 0; i < n; i++)
        index_survey_remove(&b->survey, ids[i]);
    if (columns > 0)
        index_survey_add(&b->survey, into, columns);
    return e;
}

/* --- pieces of work --- */

static enum err sweep_one(struct index_build *b, struct fault *f)
{
    bool more = false;
    struct index_survey *s = &b->survey;
    enum err e = index_segment_sweep(b->store, s->orphans[s->orphan_count - 1], &more, f);
    if (e == ERR_OK && !more)
        s->orphan_count--;
    return e;
}

/* Few are left: those that have come meanwhile, behind them. */
static enum err refill(struct index_build *b, struct fault *f)
{
    size_t left = tail_left(b);
    if (left >= FLUSH_BODIES)
        return ERR_OK;
    if (left > 0)
        memmove(b->survey.tail, b->survey.tail + b->tail_at, left * sizeof *b->survey.tail);
    b->survey.tail_count = left;
    b->tail_at = 0;
    return index_survey_more(&b->survey, b->store, REFILL_BODIES, f);
}

/* hurry: what waits for company waits no longer. */
static enum err one_piece(struct index_build *b, bool hurry, bool *did_out, struct fault *f)
{
    *did_out = true;
    if (survey_is_due(b))
        return look_around(b, f);
    enum err e = refill(b, f);
    if (e == ERR_OK && b->survey.orphan_count > ORPHANS_MAX)
        return sweep_one(b, f);
    if (e == ERR_OK)
        e = merge_some(b, did_out, f);
    if (e != ERR_OK || *did_out)
        return e;
    *did_out = true;
    if (is_ripe(b, hurry))
        return index_batch(b, f);
    if (b->survey.orphan_count > 0)
        return sweep_one(b, f);
    *did_out = false;
    return ERR_OK;
}

bool index_build_slice(struct index_build *b)
{
    struct fault f = FAULT_NONE;
    bool did = false;
    if (store_is_low(b->store) || pthread_mutex_trylock(&b->mutex) != 0)
        return false;
    enum err e = one_piece(b, false, &did, &f);
    if (e != ERR_OK && !b->failing)
        log_event(LOG_WARN, NULL, "store.index_failed", "error=%s text=\"%s\"", fault_name(e),
                  LOG_SPAN(span_cstr(f.text)));
    b->failing = e != ERR_OK;
    (void)pthread_mutex_unlock(&b->mutex);
    return did && e == ERR_OK;
}

static enum err go_on(struct index_build *b, bool *did_out, uint64_t *done_out, struct fault *f)
{
    (void)pthread_mutex_lock(&b->mutex);
    enum err e = one_piece(b, true, did_out, f);
    *done_out = index_survey_live(&b->survey);
    (void)pthread_mutex_unlock(&b->mutex);
    return e;
}

static enum err finish(struct index_build *b, bool (*progress)(void *arg, uint64_t done), void *arg,
                       struct fault *f)
{
    bool did = true;
    uint64_t done;
    enum err e = ERR_OK;
    while (e == ERR_OK && did) {
        e = go_on(b, &did, &done, f);
        if (e == ERR_OK && progress && !progress(arg, done))
            return fault_set(f, ERR_BUSY, "stopped; the rest is indexed in the background");
    }
    return e;
}

static void survey_again(struct index_build *b)
{
    (void)pthread_mutex_lock(&b->mutex);
    b->surveyed = false;
    (void)pthread_mutex_unlock(&b->mutex);
}

enum err index_build_all(struct index_build *b, struct fault *f)
{
    struct fault none = FAULT_NONE;
    survey_again(b); /* bodies with numbers below those of others may have come after them */
    return finish(b, NULL, NULL, f ? f : &none);
}

enum err index_build_anew(struct index_build *b, bool (*progress)(void *arg, uint64_t done),
                          void *arg, struct fault *f)
{
    struct fault none = FAULT_NONE;
    f = f ? f : &none;
    (void)pthread_mutex_lock(&b->mutex);
    enum err e = look_around(b, f);
    for (size_t i = 0; i < b->survey.segment_count && e == ERR_OK; i++)
        e = index_segment_forget(b->store, &b->survey.segments[i].id, 1, f);
    b->surveyed = false;
    (void)pthread_mutex_unlock(&b->mutex);
    return e == ERR_OK ? finish(b, progress, arg, f) : e;
}
