#include "store/uidset.h"
#include "common/le.h"
#include "common/mem.h"
#include "common/must.h"

#define UIDSET_FIRST_CAP 4
#define UIDSET_PAIR_BYTES 8

void uidset_init(struct uidset *s)
{
    *s = (struct uidset){0};
}

void uidset_fini(struct uidset *s)
{
    mem_free(s->ranges);
    mem_free(s->before);
    uidset_init(s);
}

void uidset_clear(struct uidset *s)
{
    s->n = 0;
    s->indexed = false;
}

/* Room for n ranges. The index, if there is one, always has room for as many. */
static void reserve(struct uidset *s, size_t n)
{
    if (n <= s->cap)
        return;
    size_t cap = s->cap ? s->cap : UIDSET_FIRST_CAP;
    while (cap < n)
        cap *= 2;
    s->ranges = mem_grow(s->ranges, cap * sizeof *s->ranges);
    if (s->before)
        s->before = mem_grow(s->before, cap * sizeof *s->before);
    s->cap = cap;
}

void uidset_copy(struct uidset *to, const struct uidset *from)
{
    if (to == from)
        return;
    reserve(to, from->n);
    if (from->n)
        memcpy(to->ranges, from->ranges, from->n * sizeof *to->ranges);
    to->n = from->n;
    to->indexed = false;
}

static size_t range_count(struct uidset_range r)
{
    return (size_t)(r.last - r.first) + 1;
}

/* The first range whose last is >= uid; s->n if there is none. */
static size_t find(const struct uidset *s, uint32_t uid)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->ranges[mid].last < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Adds a range that is not before the last one's first: joins it to the last or puts it behind.
 * Keeps the index. */
static void add_end(struct uidset *s, uint32_t first, uint32_t last)
{
    if (s->n && first <= s->ranges[s->n - 1].last) {
        if (s->ranges[s->n - 1].last < last)
            s->ranges[s->n - 1].last = last;
        return;
    }
    if (s->n && first - 1 == s->ranges[s->n - 1].last) {
        s->ranges[s->n - 1].last = last;
        return;
    }
    reserve(s, s->n + 1);
    s->ranges[s->n] = (struct uidset_range){first, last};
    if (s->indexed)
        s->before[s->n] = s->n ? s->before[s->n - 1] + range_count(s->ranges[s->n - 1]) : 0;
    s->n++;
}

void uidset_add(struct uidset *s, uint32_t first, uint32_t last)
{
    must(first > 0 && first <= last);
    if (s->n == 0 || first >= s->ranges[s->n - 1].first) {
        add_end(s, first, last);
        return;
    }
    size_t from = find(s, first - 1); /* touches or overlaps, or is behind */
    size_t to = from;                 /* the first range that stays as it is */
    while (to < s->n && (last == UINT32_MAX || s->ranges[to].first <= last + 1))
        to++;
    s->indexed = false;
    if (to == from) {
        reserve(s, s->n + 1);
        memmove(s->ranges + from + 1, s->ranges + from, (s->n - from) * sizeof *s->ranges);
        s->ranges[from] = (struct uidset_range){first, last};
        s->n++;
        return;
    }
    struct uidset_range *r = &s->ranges[from];
    r->first = first < r->first ? first : r->first;
    r->last = last > s->ranges[to - 1].last ? last : s->ranges[to - 1].last;
    memmove(r + 1, s->ranges + to, (s->n - to) * sizeof *s->ranges);
    s->n -= to - from - 1;
}

/* Makes s the ranges of made, whose memory becomes s's. */
static void become(struct uidset *s, struct uidset *made)
{
    uidset_fini(s);
    *s = *made;
}

void uidset_add_set(struct uidset *s, const struct uidset *more)
{
    if (more->n == 0 || s == more)
        return;
    if (s->n == 0 || more->ranges[0].first >= s->ranges[s->n - 1].first) {
        for (size_t i = 0; i < more->n; i++)
            add_end(s, more->ranges[i].first, more->ranges[i].last);
        return;
    }
    struct uidset made = {0};
    reserve(&made, s->n + more->n);
    for (size_t i = 0, j = 0; i < s->n || j < more->n;) {
        bool ours = j == more->n || (i < s->n && s->ranges[i].first <= more->ranges[j].first);
        const struct uidset_range *r = ours ? &s->ranges[i++] : &more->ranges[j++];
        add_end(&made, r->first, r->last);
    }
    become(s, &made);
}

void uidset_remove(struct uidset *s, uint32_t first, uint32_t last)
{
    must(first > 0 && first <= last);
    size_t from = find(s, first);
    if (from == s->n || s->ranges[from].first > last)
        return;
    s->indexed = false;
    struct uidset_range *r = &s->ranges[from];
    if (r->first < first && r->last > last) { /* cut in two */
        reserve(s, s->n + 1);
        r = &s->ranges[from];
        memmove(r + 1, r, (s->n - from) * sizeof *r);
        r[0].last = first - 1;
        r[1].first = last + 1;
        s->n++;
        return;
    }
    if (r->first < first) {
        r->last = first - 1;
        from++;
    }
    size_t to = from;
    while (to < s->n && s->ranges[to].last <= last)
        to++;
    if (to < s->n && s->ranges[to].first <= last)
        s->ranges[to].first = last + 1;
    memmove(s->ranges + from, s->ranges + to, (s->n - to) * sizeof *s->ranges);
    s->n -= to - from;
}

void uidset_remove_set(struct uidset *s, const struct uidset *less)
{
    if (s == less) {
        uidset_clear(s);
        return;
    }
    if (less->n == 0 || s->n == 0)
        return;
    if (less->n == 1) {
        uidset_remove(s, less->ranges[0].first, less->ranges[0].last);
        return;
    }
    struct uidset made = {0};
    size_t j = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t first = s->ranges[i].first, last = s->ranges[i].last;
        bool left = true; /* something of first..last */
        for (; left && j < less->n && less->ranges[j].first <= last; j++) {
            const struct uidset_range *r = &less->ranges[j];
            if (r->last < first)
                continue;
            if (r->first > first)
                add_end(&made, first, r->first - 1);
            left = r->last < last;
            if (!left)
                break; /* this range may take from the next one too */
            first = r->last + 1;
        }
        if (left)
            add_end(&made, first, last);
    }
    become(s, &made);
}

void uidset_intersect(struct uidset *s, const struct uidset *with)
{
    if (s == with)
        return;
    struct uidset made = {0};
    for (size_t i = 0, j = 0; i < s->n && j < with->n;) {
        struct uidset_range a = s->ranges[i], b = with->ranges[j];
        uint32_t first = a.first > b.first ? a.first : b.first;
        uint32_t last = a.last < b.last ? a.last : b.last;
        if (first <= last)
            add_end(&made, first, last);
        if (a.last < b.last)
            i++;
        else
            j++;
    }
    become(s, &made);
}

bool uidset_has(const struct uidset *s, uint32_t uid)
{
    size_t i = find(s, uid);
    return i < s->n && s->ranges[i].first <= uid;
}

bool uidset_empty(const struct uidset *s)
{
    return s->n == 0;
}

uint32_t uidset_count(const struct uidset *s)
{
    if (s->indexed && s->n)
        return (uint32_t)(s->before[s->n - 1] + range_count(s->ranges[s->n - 1]));
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += range_count(s->ranges[i]);
    return (uint32_t)count;
}

uint32_t uidset_first(const struct uidset *s)
{
    return s->n ? s->ranges[0].first : 0;
}

uint32_t uidset_last(const struct uidset *s)
{
    return s->n ? s->ranges[s->n - 1].last : 0;
}

static void make_index(struct uidset *s)
{
    if (s->indexed || s->n == 0)
        return;
    if (!s->before)
        s->before = mem_alloc(s->cap * sizeof *s->before);
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->before[i] = count;
        count += range_count(s->ranges[i]);
    }
    s->indexed = true;
}

uint32_t uidset_nth(struct uidset *s, uint32_t nth)
{
    if (nth == 0 || s->n == 0)
        return 0;
    make_index(s);
    size_t low = 0, high = s->n; /* the last range with before < nth */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->before[mid] < nth)
            low = mid;
        else
            high = mid;
    }
    size_t into = nth - s->before[low] - 1;
    return into < range_count(s->ranges[low]) ? s->ranges[low].first + (uint32_t)into : 0;
}

uint32_t uidset_rank(struct uidset *s, uint32_t uid)
{
    if (s->n == 0)
        return 0;
    make_index(s);
    size_t i = find(s, uid);
    if (i == s->n)
        return uidset_count(s);
    struct uidset_range r = s->ranges[i];
    return (uint32_t)(s->before[i] + (r.first <= uid ? (size_t)(uid - r.first) + 1 : 0));
}

uint32_t uidset_next(const struct uidset *s, uint32_t uid)
{
    size_t i = find(s, uid);
    if (i == s->n)
        return 0;
    return s->ranges[i].first > uid ? s->ranges[i].first : uid;
}

bool uidset_text(const struct uidset *s, struct buf *out)
{
    bool added = true;
    for (size_t i = 0; added && i < s->n; i++) {
        struct uidset_range r = s->ranges[i];
        added = (i == 0 || buf_byte(out, ',')) && buf_u64(out, r.first);
        if (added && r.last > r.first)
            added = buf_byte(out, ':') && buf_u64(out, r.last);
    }
    return added;
}

bool uidset_pack(const struct uidset *s, struct buf *out)
{
    size_t n = s->n * UIDSET_PAIR_BYTES;
    char *to = n ? buf_room(out, n) : NULL;
    if (!to)
        return n == 0;
    for (size_t i = 0; i < s->n; i++, to += UIDSET_PAIR_BYTES) {
        le_put(to, s->ranges[i].first, 4);
        le_put(to + 4, s->ranges[i].last, 4);
    }
    buf_grew(out, n);
    return true;
}

bool uidset_unpack(struct uidset *s, struct span packed)
{
    uidset_clear(s);
    if (packed.n % UIDSET_PAIR_BYTES)
        return false;
    reserve(s, packed.n / UIDSET_PAIR_BYTES);
    uint64_t above = 0; /* the next range must begin above this */
    for (size_t i = 0; i < packed.n; i += UIDSET_PAIR_BYTES) {
        uint32_t first = le_get32(packed.p + i), last = le_get32(packed.p + i + 4);
        if (first <= above || first == 0 || first > last) {
            uidset_clear(s);
            return false;
        }
        s->ranges[s->n++] = (struct uidset_range){first, last};
        above = (uint64_t)last + 1;
    }
    return true;
}
