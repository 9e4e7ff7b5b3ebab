#include "imapd/imap_search.h"
#include "store/index.h"

/* Room: which messages the index of texts rules out before they are read. Keys that must all hold go to it together; of OR
 * either side will do; NOT rules nothing out. */

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

/* The needles of a list that are looked for there; out NULL: how many. */
static size_t needles_of(const struct search_key *keys, unsigned what, struct span *out)
{
    size_t n = 0;
    for (const struct search_key *k = keys; k; k = k->next) {
        for (size_t i = 0; where(k) == what && i < k->word_count; i++) {
            if (!is_needle(k->words[i]))
                continue;
            if (out)
                out[n] = k->words[i];
            n++;
        }
    }
    return n;
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

static enum err filter_or(struct txn *t, struct arena *a, const struct search_key *k,
                          const uint64_t *bodies, size_t n, unsigned char *maybe, struct fault *f)
{
    if (!imap_search_filter_helps(k->a) || !imap_search_filter_helps(k->b))
        return ERR_OK;
    unsigned char *other = (unsigned char *)(uintptr_t)arena_keep(a, span_of(maybe, n)).p;
    enum err e = imap_search_filter(t, a, k->a, bodies, n, maybe, f);
    if (e == ERR_OK)
        e = imap_search_filter(t, a, k->b, bodies, n, other, f);
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        maybe[i] |= other[i];
    return e;
}

static enum err filter_texts(struct txn *t, struct arena *a, const struct search_key *keys,
                             unsigned what, const uint64_t *bodies, size_t n, unsigned char *maybe,
                             struct fault *f)
{
    size_t count = needles_of(keys, what, NULL);
    if (count == 0)
        return ERR_OK;
    struct span *needles = arena_alloc(a, count * sizeof *needles);
    needles_of(keys, what, needles);
    return index_filter_in(t, what, needles, count, bodies, n, maybe, f);
}

enum err imap_search_filter(struct txn *t, struct arena *a, const struct search_key *keys,
                            const uint64_t *bodies, size_t n, unsigned char *maybe, struct fault *f)
{
    enum err e = filter_texts(t, a, keys, BODY_TEXT_HEADER, bodies, n, maybe, f);
    if (e == ERR_OK)
        e = filter_texts(t, a, keys, BODY_TEXT_BODY, bodies, n, maybe, f);
    if (e == ERR_OK)
        e = filter_texts(t, a, keys, BODY_TEXT_ALL, bodies, n, maybe, f);
    for (const struct search_key *k = keys; k && e == ERR_OK; k = k->next) {
        if (k->kind == SEARCH_GROUP && !k->negated)
            e = imap_search_filter(t, a, k->a, bodies, n, maybe, f);
        else if (k->kind == SEARCH_OR)
            e = filter_or(t, a, k, bodies, n, maybe, f);
    }
    return e;
}
