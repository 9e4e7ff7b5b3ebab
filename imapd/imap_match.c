#include "imapd/imap_match.h"

#include "store/mailbox.h"

/* No name is longer, so no pattern with more characters that stand for themselves matches one. */
#define IMAP_MATCH_BYTES (2 * MAILBOX_NAME_BYTES + 1)
#define IMAP_MATCH_WORDS (IMAP_MATCH_BYTES / 64 + 1)

/* Bit i speaks of the pattern's byte i; there are as many words in each as the pattern and its end need. */
struct imap_match_bits {
    size_t words;
    const uint64_t *of[256]; /* it is that byte, and stands for itself */
    uint64_t *wild, *star;   /* it is a wildcard; it is "*" */
};
static const uint64_t imap_match_none[IMAP_MATCH_WORDS];

static bool imap_match_is_wild(char c)
{
    return c == '*' || c == '%';
}

static uint64_t *imap_match_row(struct arena *a, size_t words)
{
    uint64_t *row = arena_alloc(a, words * sizeof *row);
    memset(row, 0, words * sizeof *row);
    return row;
}

static const struct imap_match_bits *imap_match_bits(struct arena *a, struct span pattern)
{
    struct imap_match_bits *b = arena_new_of(a, struct imap_match_bits);
    uint64_t *own[256] = {0};
    b->words = pattern.n / 64 + 1;
    b->wild = imap_match_row(a, b->words);
    b->star = imap_match_row(a, b->words);
    for (size_t i = 0; i < pattern.n; i++) {
        unsigned char c = (unsigned char)pattern.p[i];
        uint64_t bit = (uint64_t)1 << i % 64;
        if (c == '*')
            b->star[i / 64] |= bit;
        if (imap_match_is_wild(pattern.p[i])) {
            b->wild[i / 64] |= bit;
            continue;
        }
        if (!own[c])
            own[c] = imap_match_row(a, b->words);
        own[c][i / 64] |= bit;
    }
    for (size_t c = 0; c < 256; c++)
        b->of[c] = own[c] ? own[c] : imap_match_none;
    return b;
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
    m.bits = imap_match_bits(a, m.pattern);
    return m;
}

/* How much of the name is INBOX, which matches without regard to case. */
static size_t imap_match_folded(struct span name)
{
    bool inbox = span_eq(span_to(name, 5), SPAN("INBOX")) && (name.n == 5 || name.p[5] == '/');
    return inbox ? 5 : 0;
}

/* Bit i of reach: the pattern's first i bytes match the name so far. One byte of the name more; no two wildcards stand side by
 * side, so that at most one is passed over for nothing. False: nothing can match any more. */
static bool imap_match_byte(const struct imap_match_bits *b, unsigned char c, unsigned char also,
                            uint64_t reach[IMAP_MATCH_WORDS])
{
    const uint64_t *stay = c == '/' ? b->star : b->wild;
    uint64_t any = 0, carry = 0, passed = 0;
    for (size_t w = 0; w < b->words; w++) {
        uint64_t itself = reach[w] & (b->of[c][w] | b->of[also][w]);
        uint64_t now = itself << 1 | carry | (reach[w] & stay[w]);
        uint64_t wild = now & b->wild[w];
        carry = itself >> 63;
        reach[w] = now | wild << 1 | passed;
        passed = wild >> 63;
        any |= reach[w];
    }
    return any != 0;
}

bool imap_match(const struct imap_match *m, struct span name)
{
    const struct imap_match_bits *b = m->bits;
    uint64_t reach[IMAP_MATCH_WORDS] = {0};
    size_t folded = imap_match_folded(name);
    if (!m->pattern.p)
        return false;
    reach[0] = 1 | (b->wild[0] & 1) << 1;
    for (size_t k = 0; k < name.n; k++) {
        unsigned char c = (unsigned char)name.p[k];
        if (!imap_match_byte(b, c, k < folded ? (unsigned char)span_lower(c) : c, reach))
            return false;
    }
    return reach[m->pattern.n / 64] >> m->pattern.n % 64 & 1;
}
