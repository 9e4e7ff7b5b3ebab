#include "imapd/imap_search.h"
#include "store/index.h"

/* Room: which messages the index of texts rules out before they are read. Keys that must all hold go to it one after the
 * other; of OR either side will do; NOT rules nothing out. The keys are made into a list of operations on maps of the
 * bodies, so that a search of a thousand keys can stop between any two of them. */

#define TOGETHER_COUNT 8 /* needles of one operation */

/* On the map of the bodies that may be found, which is "now", and a stack of others. */
enum filter_kind {
    FILTER_NEEDLES,  /* leaves of now those with all the needles */
    FILTER_ONE_SIDE, /* puts a copy of now on the stack */
    FILTER_OTHER, /* changes now and the top of the stack; now is without what the one side left */
    FILTER_EITHER /* adds the top of the stack to now, and takes it off */
};
struct filter_op {
    struct filter_op *next;
    enum filter_kind kind;
    unsigned what;
    struct span needles[TOGETHER_COUNT];
    size_t count;
};
struct filter_map {
    struct filter_map *below;
    unsigned char maybe[];
};
struct search_filter {
    struct arena *arena;
    struct filter_op *first, **end, *at;
    unsigned char *now;
    size_t n;
    struct filter_map *stack;
};

static bool is_needle(struct span word)
{
    return word.n >= INDEX_NEEDLE_BYTES;
}

/* Where the key is looked for: enum body_text_what; 0: not in texts. */
static unsigned where(const struct search_key *k)
{
    return k->kind == SEARCH_HEADER ? BODY_TEXT_HEADER
           : k->kind == SEARCH_BODY ? BODY_TEXT_BODY
           : k->kind == SEARCH_TEXT ? BODY_TEXT_ALL
                                    : 0;
}

static bool has_needle(const struct search_key *k)
{
    for (size_t i = 0; where(k) && i < k->word_count; i++) {
        if (is_needle(k->words[i]))
            return true;
    }
    return false;
}

bool imap_search_filter_helps(const struct search_key *keys)
{
    for (const struct search_key *k = keys; k; k = k->next) {
        if (has_needle(k))
            return true;
        if (k->kind == SEARCH_GROUP && !k->negated && imap_search_filter_helps(k->a))
            return true;
        if (k->kind == SEARCH_OR && imap_search_filter_helps(k->a) &&
            imap_search_filter_helps(k->b))
            return true;
    }
    return false;
}

/* --- the operations --- */

static struct filter_op *add_op(struct search_filter *w, enum filter_kind kind)
{
    struct filter_op *op = arena_new_of(w->arena, struct filter_op);
    op->kind = kind;
    *w->end = op;
    w->end = &op->next;
    return op;
}

/* The needles of a list that are looked for there. */
static void add_needles(struct search_filter *w, const struct search_key *keys, unsigned what)
{
    struct filter_op *op = NULL;
    for (const struct search_key *k = keys; k; k = k->next) {
        for (size_t i = 0; where(k) == what && i < k->word_count; i++) {
            if (!is_needle(k->words[i]))
                continue;
            if (!op || op->count == TOGETHER_COUNT) {
                op = add_op(w, FILTER_NEEDLES);
                op->what = what;
            }
            op->needles[op->count++] = k->words[i];
        }
    }
}

static void add_list(struct search_filter *w, const struct search_key *keys);

static void add_or(struct search_filter *w, const struct search_key *k)
{
    if (!imap_search_filter_helps(k->a) || !imap_search_filter_helps(k->b))
        return;
    add_op(w, FILTER_ONE_SIDE);
    add_list(w, k->a);
    add_op(w, FILTER_OTHER);
    add_list(w, k->b);
    add_op(w, FILTER_EITHER);
}

static void add_list(struct search_filter *w, const struct search_key *keys)
{
    add_needles(w, keys, BODY_TEXT_HEADER);
    add_needles(w, keys, BODY_TEXT_BODY);
    add_needles(w, keys, BODY_TEXT_ALL);
    for (const struct search_key *k = keys; k; k = k->next) {
        if (k->kind == SEARCH_GROUP && !k->negated)
            add_list(w, k->a);
        else if (k->kind == SEARCH_OR)
            add_or(w, k);
    }
}

struct search_filter *imap_search_filter_new(struct arena *a, const struct search_key *keys,
                                             unsigned char *maybe, size_t n)
{
    struct search_filter *w = arena_new_of(a, struct search_filter);
    *w = (struct search_filter){.arena = a, .end = &w->first, .now = maybe, .n = n};
    add_list(w, keys);
    w->at = w->first;
    return w;
}

/* --- a step --- */

static void begin_or(struct search_filter *w)
{
    struct filter_map *map = arena_alloc(w->arena, sizeof *map + w->n);
    memcpy(map->maybe, w->now, w->n);
    map->below = w->stack;
    w->stack = map;
}

static void change_sides(struct search_filter *w)
{
    for (size_t i = 0; i < w->n; i++) {
        unsigned char one = w->now[i], all = w->stack->maybe[i];
        w->stack->maybe[i] = one;
        w->now[i] = all && !one;
    }
}

static void end_or(struct search_filter *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->now[i] |= w->stack->maybe[i];
    w->stack = w->stack->below;
}

enum err imap_search_filter_step(struct search_filter *w, struct txn *t, const uint64_t *bodies,
                                 bool *done, struct fault *f)
{
    const struct filter_op *op = w->at;
    enum err e = ERR_OK;
    *done = !op;
    if (!op)
        return ERR_OK;
    switch (op->kind) {
    case FILTER_NEEDLES:
        if (memchr(w->now, 1, w->n))
            e = index_filter_in(t, op->what, op->needles, op->count, bodies, w->n, w->now, f);
        break;
    case FILTER_ONE_SIDE:
        begin_or(w);
        break;
    case FILTER_OTHER:
        change_sides(w);
        break;
    case FILTER_EITHER:
        end_or(w);
        break;
    }
    w->at = op->next;
    *done = !w->at;
    return e;
}
