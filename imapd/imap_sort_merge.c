#include "imapd/imap_sort_merge.h"

#include "common/mem.h"

#include <string.h>

#define RUN_COUNT 8 /* so many are put in order by insertion first */

static bool stands_before(const struct imap_sort_merge *m, const struct imap_sort_item *x,
                          const struct imap_sort_item *y)
{
    if (x->key != y->key)
        return x->key < y->key;
    if (x->more != y->more)
        return x->more < y->more;
    int c = m->tie ? m->tie(m->arg, x->nth, y->nth) : 0;
    return c ? c < 0 : x->nth < y->nth;
}

void imap_sort_merge_init(struct imap_sort_merge *m, size_t n, imap_sort_tie *tie, void *arg)
{
    *m = (struct imap_sort_merge){
        .items = mem_alloc((n + 1) * sizeof *m->items), .n = n, .tie = tie, .arg = arg};
}

void imap_sort_merge_fini(struct imap_sort_merge *m)
{
    mem_free(m->items);
    mem_free(m->spare);
    *m = (struct imap_sort_merge){0};
}

/* The next run of RUN_COUNT, where it stands. */
static size_t sort_run(struct imap_sort_merge *m)
{
    size_t end = m->n - m->from < RUN_COUNT ? m->n : m->from + RUN_COUNT;
    for (size_t i = m->from + 1; i < end; i++) {
        struct imap_sort_item x = m->items[i];
        size_t j = i;
        for (; j > m->from && stands_before(m, &x, &m->items[j - 1]); j--)
            m->items[j] = m->items[j - 1];
        m->items[j] = x;
    }
    m->from = end;
    return RUN_COUNT;
}

static size_t least(size_t x, size_t y)
{
    return x < y ? x : y;
}

static void begin_pair(struct imap_sort_merge *m, size_t from)
{
    m->from = m->a = m->to = from;
    m->b = least(from + m->width, m->n);
}

/* Merges on with the present pair of runs into spare. */
static size_t merge(struct imap_sort_merge *m, size_t steps)
{
    size_t middle = least(m->from + m->width, m->n), end = least(middle + m->width, m->n);
    size_t began = m->to, stop = least(end, began + steps);
    if (m->to == m->from &&
        (middle == end || !stands_before(m, &m->items[middle], &m->items[middle - 1]))) {
        /* In order already, as mail that was sorted by its date mostly is. */
        memcpy(m->spare + m->from, m->items + m->from, (end - m->from) * sizeof *m->items);
        m->to = end;
    }
    while (m->to < stop) {
        bool left =
            m->b == end || (m->a < middle && !stands_before(m, &m->items[m->b], &m->items[m->a]));
        m->spare[m->to++] = m->items[left ? m->a++ : m->b++];
    }
    if (m->to == end)
        begin_pair(m, end);
    return m->to > began ? m->to - began : 1;
}

bool imap_sort_merge_step(struct imap_sort_merge *m, size_t steps)
{
    for (size_t done = 0; !m->ordered && done < steps;) {
        if (m->width == 0 && m->from < m->n) {
            done += sort_run(m);
        } else if (m->width == 0 || m->from >= m->n) { /* a round is over */
            if (m->width > 0) {
                struct imap_sort_item *swap = m->items;
                m->items = m->spare;
                m->spare = swap;
            }
            m->width = m->width ? 2 * m->width : RUN_COUNT;
            begin_pair(m, 0);
            m->ordered = m->width >= m->n;
            if (!m->ordered && !m->spare)
                m->spare = mem_alloc(m->n * sizeof *m->spare);
        } else {
            done += merge(m, steps - done);
        }
    }
    return m->ordered;
}
