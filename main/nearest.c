#include "main/nearest.h"
#include "common/span.h"

#define LETTERS 64 /* longer names are compared so far */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: replacing, leaving out, adding a letter or swapping two neighbours is one step. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][LETTERS + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    for (unsigned k = 0; k <= b.n; k++)
        last[k] = k;
    for (unsigned i = 1; i <= a.n; i++) {
        row[0] = i;
        for (unsigned k = 1; k <= b.n; k++) {
            bool same =
                span_lower((unsigned char)a.p[i - 1]) == span_lower((unsigned char)b.p[k - 1]);
            row[k] = least(least(last[k], row[k - 1]) + 1, last[k - 1] + !same);
            if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1])
                row[k] = least(row[k], before[k - 2] + 1);
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.n];
}

void nearest_init(struct nearest *n, const char *word)
{
    *n = (struct nearest){word, NULL, 0};
}

void nearest_try(struct nearest *n, const char *name)
{
    unsigned d = distance(span_to(span_cstr(n->word), LETTERS), span_to(span_cstr(name), LETTERS));
    if (!n->best || d < n->distance) {
        n->best = name;
        n->distance = d;
    }
}

const char *nearest_found(const struct nearest *n)
{
    return n->best && n->distance <= 1 + strlen(n->word) / 3 ? n->best : NULL;
}
