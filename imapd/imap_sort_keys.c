#include "imapd/imap_sort_keys.h"

#include "common/mem.h"
#include "imapd/imap_parse.h"
#include "message/fold.h"

#define TEXT_BYTES 8192 /* of one text, folded */

/* sort-key, RFC 5256 §5, RFC 5957 §5 and RFC 6203 §7 */
static const struct span names[IMAP_SORT_BY] = {
    [IMAP_SORT_ARRIVAL] = SPAN_ROW("ARRIVAL"),
    [IMAP_SORT_CC] = SPAN_ROW("CC"),
    [IMAP_SORT_DATE] = SPAN_ROW("DATE"),
    [IMAP_SORT_DISPLAYFROM] = SPAN_ROW("DISPLAYFROM"),
    [IMAP_SORT_DISPLAYTO] = SPAN_ROW("DISPLAYTO"),
    [IMAP_SORT_FROM] = SPAN_ROW("FROM"),
    [IMAP_SORT_RELEVANCY] = SPAN_ROW("RELEVANCY"),
    [IMAP_SORT_SIZE] = SPAN_ROW("SIZE"),
    [IMAP_SORT_SUBJECT] = SPAN_ROW("SUBJECT"),
    [IMAP_SORT_TO] = SPAN_ROW("TO"),
};

static bool is_text(enum imap_sort_by by)
{
    return by != IMAP_SORT_ARRIVAL && by != IMAP_SORT_DATE && by != IMAP_SORT_SIZE &&
           by != IMAP_SORT_RELEVANCY;
}

static void add(struct imap_sort_criteria *c, enum imap_sort_by by, bool reverse)
{
    c->digests |= is_text(by) || by == IMAP_SORT_DATE;
    c->relevancy |= by == IMAP_SORT_RELEVANCY;
    for (size_t i = 0; i < c->n; i++) {
        if (c->list[i].by == by)
            return;
    }
    c->list[c->n++] = (struct imap_sort_criterion){by, reverse};
}

void imap_sort_keys_parse(struct scan *s, struct imap_sort_criteria *out)
{
    *out = (struct imap_sort_criteria){0};
    scan_byte(s, '(', "Expected ( before the sort criteria");
    do {
        struct span word = imap_parse_atom(s);
        bool reverse = span_eq_ci(word, SPAN("REVERSE"));
        if (reverse) {
            imap_parse_sp(s);
            word = imap_parse_atom(s);
        }
        size_t by = 0;
        while (by < IMAP_SORT_BY && !span_eq_ci(word, names[by]))
            by++;
        if (by == IMAP_SORT_BY)
            scan_fail(s, "Unknown sort criterion");
        else
            add(out, (enum imap_sort_by)by, reverse);
    } while (scan_try(s, ' '));
    scan_byte(s, ')', "Expected ) behind the sort criteria");
}

void imap_sort_keys_init(struct imap_sort_keys *k, const struct imap_sort_criteria *c, size_t n)
{
    *k = (struct imap_sort_keys){.criteria = c, .n = n};
    buf_init(&k->text, IMAP_SORT_KEYS_TEXT_BYTES);
    buf_init(&k->folded, TEXT_BYTES);
    for (size_t i = 0; i < c->n; i++) {
        k->keys[i] = mem_alloc((n + 1) * sizeof *k->keys[i]);
        if (is_text(c->list[i].by))
            k->rest[i] = mem_alloc((n + 1) * sizeof *k->rest[i]);
    }
    buf_add(&k->text, SPAN("\0\0")); /* at 0: no rest */
}

void imap_sort_keys_fini(struct imap_sort_keys *k)
{
    for (size_t i = 0; i < IMAP_SORT_BY; i++) {
        mem_free(k->keys[i]);
        mem_free(k->rest[i]);
    }
    buf_fini(&k->text);
    buf_fini(&k->folded);
    *k = (struct imap_sort_keys){0};
}

/* Numbers that may be negative in the order of unsigned ones. */
static uint64_t signed_key(int64_t v)
{
    return (uint64_t)v ^ (uint64_t)1 << 63;
}

static struct span text_of(enum imap_sort_by by, const struct digest *d)
{
    switch (by) {
    case IMAP_SORT_CC:
        return d->cc;
    case IMAP_SORT_DISPLAYFROM:
        return d->from_display;
    case IMAP_SORT_DISPLAYTO:
        return d->to_display;
    case IMAP_SORT_FROM:
        return d->from;
    case IMAP_SORT_SUBJECT:
        return d->subject;
    case IMAP_SORT_TO:
        return d->to;
    case IMAP_SORT_ARRIVAL:
    case IMAP_SORT_DATE:
    case IMAP_SORT_RELEVANCY:
    case IMAP_SORT_SIZE:
    case IMAP_SORT_BY:
        break;
    }
    return SPAN("");
}

/* i;unicode-casemap, RFC 5051: what is folded is compared by its bytes. */
static void note_text(struct imap_sort_keys *k, size_t c, size_t nth, struct span text)
{
    buf_reset(&k->folded);
    (void)fold_text(text, &k->folded);
    struct span all = buf_span(&k->folded);
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < all.n ? (unsigned char)all.p[i] : 0);
    k->keys[c][nth] = key;
    k->rest[c][nth] = 0;
    if (all.n <= 8 || k->text.full)
        return;
    struct span rest = span_from(all, 8);
    uint16_t n = (uint16_t)rest.n;
    size_t at = k->text.n;
    if (k->text.max_bytes - at < sizeof n + rest.n)
        return;
    buf_add(&k->text, span_of(&n, sizeof n));
    buf_add(&k->text, rest);
    k->rest[c][nth] = (uint32_t)at;
}

void imap_sort_keys_note(struct imap_sort_keys *k, size_t nth, const struct imap_sort_row *row,
                         const struct digest *d)
{
    for (size_t c = 0; c < k->criteria->n; c++) {
        enum imap_sort_by by = k->criteria->list[c].by;
        if (is_text(by))
            note_text(k, c, nth, text_of(by, d));
        else if (by == IMAP_SORT_SIZE)
            k->keys[c][nth] = row->bytes;
        else if (by == IMAP_SORT_RELEVANCY)
            k->keys[c][nth] = UINT8_MAX - row->score;
        else if (by == IMAP_SORT_DATE && d->dated) /* else INTERNALDATE, RFC 5256 §2.2 */
            k->keys[c][nth] = signed_key(d->sent.utc);
        else
            k->keys[c][nth] = signed_key(row->arrived);
    }
}

static struct span rest_of(const struct imap_sort_keys *k, size_t c, uint32_t nth)
{
    uint16_t n;
    const char *at = k->text.p + k->rest[c][nth];
    memcpy(&n, at, sizeof n);
    return span_of(at + sizeof n, n);
}

static int compare(void *arg, uint32_t a, uint32_t b)
{
    const struct imap_sort_keys *k = arg;
    for (size_t c = 0; c < k->criteria->n; c++) {
        uint64_t x = k->keys[c][a], y = k->keys[c][b];
        int order = x < y ? -1 : x > y;
        if (order == 0 && k->rest[c])
            order = span_cmp(rest_of(k, c, a), rest_of(k, c, b));
        if (order != 0)
            return k->criteria->list[c].reverse ? -order : order;
    }
    return 0;
}

/* The next eight bytes of a text. */
static uint64_t rest_key(const struct imap_sort_keys *k, size_t c, uint32_t nth)
{
    struct span rest = rest_of(k, c, nth);
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < rest.n ? (unsigned char)rest.p[i] : 0);
    return key;
}

void imap_sort_keys_merge(struct imap_sort_keys *k, struct imap_sort_merge *m)
{
    const struct imap_sort_criterion *by = k->criteria->list;
    imap_sort_merge_init(m, k->n, compare, k);
    for (uint32_t i = 0; i < k->n; i++) {
        uint64_t key = k->keys[0][i], more = 0;
        size_t second =
            k->rest[0] ? 0
                       : 1; /* what comes after the key: more of a text, or the next criterion */
        if (k->rest[0])
            more = rest_key(k, 0, i);
        else if (k->criteria->n > 1)
            more = k->keys[1][i];
        m->items[i] = (struct imap_sort_item){by[0].reverse ? ~key : key,
                                              by[second].reverse ? ~more : more, i};
    }
}
