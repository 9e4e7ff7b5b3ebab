#include "imapd/imap_find_filter.h"
#include "store/digest_rows.h"

#include <stdlib.h>

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

/* Drops the rows whose bodies the index rules out. */
static enum err imap_find_filter_index(struct imap_find_filter *w, struct txn *t,
                                       const struct search_key *keys, struct fault *f)
{
    if (!imap_search_filter_helps(keys))
        return ERR_OK;
    uint64_t *bodies = arena_alloc(w->arena, w->n * sizeof *bodies);
    unsigned char *maybe = arena_alloc(w->arena, w->n);
    size_t n = 0, left = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (n == 0 || bodies[n - 1] != w->rows[i].blob)
            bodies[n++] = w->rows[i].blob;
    }
    memset(maybe, 1, n);
    enum err e = imap_search_filter(t, w->arena, keys, bodies, n, maybe, f);
    for (size_t i = 0, body = 0; e == ERR_OK && i < w->n; i++) {
        body += bodies[body] != w->rows[i].blob;
        if (maybe[body])
            w->rows[left++] = w->rows[i];
    }
    w->n = left;
    return e;
}

/* What the date settles is settled; a digest that is missing leaves it to the outline. */
static enum err imap_find_filter_dates(struct imap_find_filter *w, struct search_message *m,
                                       const struct search_program *p, unsigned char *answers,
                                       struct fault *f)
{
    struct digest_rows digests;
    struct digest d;
    unsigned scan = 0;
    uint64_t *bodies = arena_alloc(w->arena, (w->n + 1) * sizeof *bodies);
    for (size_t i = 0; i < w->n; i++)
        bodies[i] = w->rows[i].blob;
    digest_rows_begin(&digests, m->t);
    for (size_t i = 0; i < w->n; i++) {
        m->have_date = digest_rows_get(&digests, bodies, w->n, i, &d);
        m->dated = m->have_date && d.dated;
        m->sent = d.sent;
        m->msg = &w->rows[i];
        answers[i] = (unsigned char)imap_search_match(m, p->keys, &scan);
    }
    m->have_date = false;
    return digest_rows_end(&digests, f);
}

enum err imap_find_filter_run(struct imap_find_filter *w, struct search_message *m,
                              const struct search_program *p, struct fault *f)
{
    if (w->n == 0)
        return ERR_OK;
    bool scattered = imap_find_filter_sort(w);
    enum err e = imap_find_filter_index(w, m->t, p->keys, f);
    unsigned char *answers = arena_alloc(w->arena, w->n + 1);
    memset(answers, SEARCH_NEEDS_SCAN, w->n + 1);
    if (e == ERR_OK && p->dates)
        e = imap_find_filter_dates(w, m, p, answers, f);
    size_t left = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (answers[i] == SEARCH_NO)
            continue;
        w->rows[left] = w->rows[i];
        w->rows[left++].flags = answers[i]; /* all that is still asked for */
    }
    if (scattered) /* in the order of UIDs they are cheap to add */
        qsort(w->rows, left, sizeof *w->rows, imap_find_filter_uid_order);
    /* A MODSEQ or a score is told of messages in their order: those are read again. */
    bool again = p->modseq || p->relevancy;
    for (size_t i = 0; i < left && e == ERR_OK; i++) {
        bool sure = w->rows[i].flags == SEARCH_YES && !again;
        uidset_add(sure ? &w->sure : &w->maybe, w->rows[i].uid, w->rows[i].uid);
    }
    w->n = 0;
    w->rows = NULL;
    arena_reset(w->arena);
    return e;
}

void imap_find_filter_fini(struct imap_find_filter *w)
{
    uidset_fini(&w->sure);
    uidset_fini(&w->maybe);
    arena_free(&w->arena);
}
