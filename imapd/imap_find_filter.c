#include "imapd/imap_find_filter.h"
#include "store/digest_rows.h"

#include <stdlib.h>

#define IMAP_FIND_FILTER_LOOK_COUNT 16 /* digests between two looks at the clock */

bool imap_find_filter_add(struct imap_find_filter *w, const struct msg *row)
{
    if (!w->arena)
        w->arena = arena_new();
    if (!w->rows)
        w->rows = arena_alloc(w->arena, IMAP_FIND_FILTER_COUNT * sizeof *w->rows);
    struct msg *kept = &w->rows[w->n++];
    *kept = *row;
    if (row->keywords.n > 0)
        kept->keywords = arena_keep(w->arena, row->keywords);
    return w->n == IMAP_FIND_FILTER_COUNT;
}

static int imap_find_filter_order(const void *a, const void *b)
{
    const struct msg *x = a, *y = b;
    return x->blob < y->blob ? -1 : x->blob > y->blob;
}

static int imap_find_filter_uid_order(const void *a, const void *b)
{
    const struct msg *x = a, *y = b;
    return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Bodies come in the order in which the messages came, but where they were copied. True: they did not. */
static bool imap_find_filter_sort(struct imap_find_filter *w)
{
    size_t i = 1;
    while (i < w->n && w->rows[i - 1].blob <= w->rows[i].blob)
        i++;
    if (i >= w->n)
        return false;
    qsort(w->rows, w->n, sizeof *w->rows, imap_find_filter_order);
    return true;
}

static void imap_find_filter_index(struct imap_find_filter *w, const struct search_key *keys)
{
    w->bodies = arena_alloc(w->arena, w->n * sizeof *w->bodies);
    w->holds = arena_alloc(w->arena, w->n);
    w->body_count = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->body_count == 0 || w->bodies[w->body_count - 1] != w->rows[i].blob)
            w->bodies[w->body_count++] = w->rows[i].blob;
    }
    memset(w->holds, 1, w->body_count);
    w->index = imap_search_filter_new(w->arena, keys, w->holds, w->body_count);
}

void imap_find_filter_begin(struct imap_find_filter *w, const struct search_program *p)
{
    if (w->n == 0)
        return;
    w->scattered = imap_find_filter_sort(w);
    w->index = NULL;
    w->at = 0;
    if (imap_search_filter_helps(p->keys))
        imap_find_filter_index(w, p->keys);
    w->stage = IMAP_FIND_FILTER_ASKS;
}

/* Drops the rows whose bodies the index rules out. */
static void imap_find_filter_drop(struct imap_find_filter *w)
{
    size_t left = 0;
    for (size_t i = 0, body = 0; i < w->n; i++) {
        body += w->bodies[body] != w->rows[i].blob;
        if (w->holds[body])
            w->rows[left++] = w->rows[i];
    }
    w->n = left;
}

static enum err imap_find_filter_ask(struct imap_find_filter *w, struct txn *t,
                                     struct imap_cmd *cmd, struct fault *f)
{
    bool done = !w->index;
    enum err e = ERR_OK;
    while (e == ERR_OK && !done) {
        e = imap_search_filter_step(w->index, t, w->bodies, &done, f);
        if (e == ERR_OK && !done && imap_cmd_should_yield(cmd))
            return ERR_OK;
    }
    if (e != ERR_OK)
        return e;
    if (w->index)
        imap_find_filter_drop(w);
    w->answers = arena_alloc(w->arena, w->n + 1);
    memset(w->answers, SEARCH_NEEDS_SCAN, w->n + 1);
    w->bodies = arena_alloc(w->arena, (w->n + 1) * sizeof *w->bodies); /* as the rows are now */
    for (size_t i = 0; i < w->n; i++)
        w->bodies[i] = w->rows[i].blob;
    w->stage = IMAP_FIND_FILTER_DATES;
    return ERR_OK;
}

/* What the date settles is settled; a digest that is missing leaves it to the outline. */
static enum err imap_find_filter_dates(struct imap_find_filter *w, struct search_message *m,
                                       const struct search_program *p, struct imap_cmd *cmd,
                                       struct fault *f)
{
    struct digest_rows digests;
    struct digest d;
    unsigned scan = 0;
    digest_rows_begin(&digests, m->t);
    while (w->at < w->n) {
        m->have_date = digest_rows_get(&digests, w->bodies, w->n, w->at, &d);
        m->dated = m->have_date && d.dated;
        m->sent = d.sent;
        m->msg = &w->rows[w->at];
        w->answers[w->at++] = (unsigned char)imap_search_match(m, p->keys, &scan);
        if (w->at % IMAP_FIND_FILTER_LOOK_COUNT == 0 && imap_cmd_should_yield(cmd))
            break;
    }
    m->have_date = false;
    return digest_rows_end(&digests, f);
}

static void imap_find_filter_end(struct imap_find_filter *w, const struct search_program *p)
{
    size_t left = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->answers[i] == SEARCH_NO)
            continue;
        w->rows[left] = w->rows[i];
        w->rows[left++].flags = w->answers[i]; /* all that is still asked for */
    }
    if (w->scattered) /* in the order of UIDs they are cheap to add */
        qsort(w->rows, left, sizeof *w->rows, imap_find_filter_uid_order);
    /* A MODSEQ or a score is told of messages in their order: those are read again. */
    bool again = p->modseq || p->relevancy;
    for (size_t i = 0; i < left; i++) {
        bool sure = w->rows[i].flags == SEARCH_YES && !again;
        uidset_add(sure ? &w->sure : &w->maybe, w->rows[i].uid, w->rows[i].uid);
    }
    w->n = 0;
    w->rows = NULL;
    w->stage = IMAP_FIND_FILTER_GATHERS;
    arena_reset(w->arena);
}

enum err imap_find_filter_run(struct imap_find_filter *w, struct search_message *m,
                              const struct search_program *p, struct imap_cmd *cmd, struct fault *f)
{
    enum err e = ERR_OK;
    if (w->stage == IMAP_FIND_FILTER_ASKS)
        e = imap_find_filter_ask(w, m->t, cmd, f);
    if (e == ERR_OK && w->stage == IMAP_FIND_FILTER_DATES && p->dates)
        e = imap_find_filter_dates(w, m, p, cmd, f);
    if (e == ERR_OK && w->stage == IMAP_FIND_FILTER_DATES && (!p->dates || w->at == w->n))
        imap_find_filter_end(w, p);
    return e;
}

void imap_find_filter_fini(struct imap_find_filter *w)
{
    uidset_fini(&w->sure);
    uidset_fini(&w->maybe);
    arena_free(&w->arena);
}
