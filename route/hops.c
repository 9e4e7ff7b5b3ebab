#include "route/hops.h"

#define HOPS_OTHER 255u /* the rest of the line does not matter */

static void hops_byte(struct hops *h, unsigned char c)
{
    static const char name[] = "received:";
    if (h->at == 0 && (c == '\r' || c == '\n')) {
        h->ended = true;
    } else if (span_lower(c) != (unsigned char)name[h->at]) {
        h->at = HOPS_OTHER;
    } else if (++h->at == sizeof name - 1) {
        h->count++;
        h->at = HOPS_OTHER;
    }
}

void hops_feed(struct hops *h, struct span piece)
{
    while (piece.n > 0 && !h->ended) {
        if (h->at != HOPS_OTHER) {
            hops_byte(h, (unsigned char)*piece.p);
            if (h->at == HOPS_OTHER && *piece.p == '\n') /* a line of a few bytes that was none */
                h->at = 0;
            piece = span_from(piece, 1);
            continue;
        }
        size_t n = span_find(piece, '\n');
        if (n == piece.n)
            return;
        h->at = 0;
        piece = span_from(piece, n + 1);
    }
}
