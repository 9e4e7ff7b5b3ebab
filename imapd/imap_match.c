#include "imapd/imap_match.h"

#include "store/mailbox.h"

/* No name is longer, so no pattern with more characters that stand for themselves matches one. */
#define IMAP_MATCH_BYTES (2 * MAILBOX_NAME_BYTES + 1)

static bool imap_match_is_wild(char c)
{
    return c == '*' || c == '%';
}

struct imap_match imap_match_of(struct arena *a, struct span reference, struct span pattern)
{
    struct imap_match m = {.levels = pattern.n > 0 && pattern.p[pattern.n - 1] == '%'};
    struct span parts[2] = {reference, pattern};
    char *out = arena_alloc(a, IMAP_MATCH_BYTES);
    size_t n = 0;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < parts[k].n; i++) {
            char c = parts[k].p[i];
            if (imap_match_is_wild(c) && n > 0 && imap_match_is_wild(out[n - 1])) {
                if (c == '*') /* "%*" and "*%" are "*" */
                    out[n - 1] = '*';
                continue;
            }
            if (n == IMAP_MATCH_BYTES)
                return m;
            out[n++] = c;
        }
    }
    m.pattern = span_of(out, n);
    return m;
}

/* How much of the name is INBOX, which matches without regard to case. */
static size_t imap_match_folded(struct span name)
{
    bool inbox = span_eq(span_to(name, 5), SPAN("INBOX")) && (name.n == 5 || name.p[5] == '/');
    return inbox ? 5 : 0;
}

/* reach[i]: the pattern's first i bytes match the name so far. One row is enough, taken from the
 * right. */
bool imap_match(const struct imap_match *m, struct span name)
{
    bool reach[IMAP_MATCH_BYTES + 1];
    struct span p = m->pattern;
    size_t folded = imap_match_folded(name);
    if (!p.p)
        return false;
    reach[0] = true;
    for (size_t i = 0; i < p.n; i++)
        reach[i + 1] = reach[i] && imap_match_is_wild(p.p[i]);
    for (size_t k = 0; k < name.n; k++) {
        unsigned char c = (unsigned char)name.p[k];
        bool before = reach[0]; /* reach[i] as it was before this byte */
        reach[0] = false;
        for (size_t i = 0; i < p.n; i++) {
            bool was = reach[i + 1];
            unsigned char want = (unsigned char)p.p[i];
            if (imap_match_is_wild(p.p[i]))
                reach[i + 1] =
                    reach[i] || (was && (want == '*' || c != '/')); /* nothing more, or this byte */
            else
                reach[i + 1] =
                    before && (want == c || (k < folded && span_lower(want) == span_lower(c)));
            before = was;
        }
    }
    return reach[p.n];
}
