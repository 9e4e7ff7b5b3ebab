#include "store/index_row.h"
#include "common/le.h"

/* A line of a posting row: LEB128 of the gram less the one before; LEB128 of its bytes << 2 | kind; the bytes.
 * Columns are packed as their gaps in Rice code, the form in which a set of random bits takes least: a byte with the
 * number k of low bits, then for each gap its high bits as so many ones and a zero, and its k low bits; the last
 * byte is filled up with ones. Bits go from the low end of a byte to the high one. */
enum line_kind {
    LINE_SET,   /* the columns that have the gram */
    LINE_CLEAR, /* the columns that have not */
    LINE_PLAIN, /* a bit for each column */
    LINE_KINDS
};
#define HEAD 'h'
#define POSTINGS 'p'
#define LEB_BYTES 10
#define RICE_K_MAX 12u

/* --- keys --- */

struct span index_row_head_key(struct schema_key *k, uint64_t segment)
{
    k->bytes[0] = HEAD;
    be_put(k->bytes + 1, segment, 8);
    return span_of(k->bytes, 9);
}

struct span index_row_key(struct schema_key *k, uint64_t segment, uint32_t gram)
{
    k->bytes[0] = POSTINGS;
    be_put(k->bytes + 1, segment, 8);
    be_put(k->bytes + 9, gram, 4);
    return span_of(k->bytes, 13);
}

bool index_row_head_key_of(struct span key, uint64_t *segment)
{
    if (key.n != 9 || key.p[0] != HEAD)
        return false;
    *segment = be_get(key.p + 1, 8);
    return true;
}

bool index_row_key_of(struct span key, uint64_t *segment, uint32_t *gram)
{
    if (key.n != 13 || key.p[0] != POSTINGS)
        return false;
    *segment = be_get(key.p + 1, 8);
    *gram = (uint32_t)be_get(key.p + 9, 4);
    return *gram >> 24 < INDEX_ROW_FAMILIES;
}

/* --- numbers of any size --- */

static void put_leb(struct buf *out, uint64_t v)
{
    char bytes[LEB_BYTES];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (char)(v | 0x80);
    bytes[n++] = (char)v;
    (void)buf_add(out, span_of(bytes, n));
}

static bool take_leb(struct span *in, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < in->n && i < LEB_BYTES; i++) {
        unsigned char c = (unsigned char)in->p[i];
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *in = span_from(*in, i + 1);
            *out = v;
            return true;
        }
    }
    return false;
}

/* --- heads --- */

void index_row_head(const struct index_row_column *columns, uint32_t n, uint64_t bytes,
                    struct buf *out)
{
    char fixed[12];
    uint64_t before = 0;
    le_put(fixed, n, 4);
    le_put(fixed + 4, bytes, 8);
    buf_reset(out);
    (void)buf_add(out, span_of(fixed, sizeof fixed));
    for (uint32_t i = 0; i < n; i++) {
        put_leb(out, (columns[i].body - before) << 1 | columns[i].wide);
        before = columns[i].body;
    }
}

bool index_row_head_of(struct span value, struct index_row_head *out,
                       struct index_row_column *columns)
{
    uint64_t v, before = 0;
    if (value.n < 12)
        return false;
    *out = (struct index_row_head){.columns = le_get32(value.p), .bytes = le_get(value.p + 4, 8)};
    value = span_from(value, 12);
    if (out->columns > INDEX_ROW_COLUMNS_MAX)
        return false;
    for (uint32_t i = 0; i < out->columns; i++) {
        if (!take_leb(&value, &v) || v >> 1 == 0)
            return false;
        before += v >> 1;
        columns[i] = (struct index_row_column){before, (v & 1) != 0};
    }
    return value.n == 0;
}

/* --- packing --- */

struct rice_out {
    char *p;
    size_t n, max;
    uint64_t bits;
    unsigned have;
};

static bool rice_flush(struct rice_out *o)
{
    for (; o->have >= 8; o->have -= 8, o->bits >>= 8) {
        if (o->n == o->max)
            return false;
        o->p[o->n++] = (char)o->bits;
    }
    return true;
}

static bool rice_put(struct rice_out *o, uint32_t gap, unsigned k)
{
    for (uint32_t high = gap >> k; high > 0;) {
        unsigned ones = high < 32 ? high : 32;
        o->bits |= ((UINT64_C(1) << ones) - 1) << o->have;
        o->have += ones;
        high -= ones;
        if (!rice_flush(o))
            return false;
    }
    o->bits |= (uint64_t)(gap & ((1u << k) - 1)) << (o->have + 1);
    o->have += 1 + k;
    return rice_flush(o);
}

/* The columns whose bit, turned round by flip, is set. False: longer than max bytes. */
static bool rice_pack(const struct index_row_bits *bits, uint32_t columns, uint64_t flip,
                      unsigned k, struct rice_out *o)
{
    uint32_t next = 0;
    o->p[o->n++] = (char)k;
    for (uint32_t w = 0; w * 64 < columns; w++) {
        uint64_t word = bits->words[w] ^ flip;
        if (columns - w * 64 < 64)
            word &= (UINT64_C(1) << (columns - w * 64)) - 1;
        for (; word; word &= word - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(word);
            if (!rice_put(o, i - next, k))
                return false;
            next = i + 1;
        }
    }
    if (o->have > 0) {
        o->bits |= UINT64_MAX << o->have;
        o->have = 8;
    }
    return rice_flush(o);
}

static uint32_t count(const struct index_row_bits *bits, uint32_t columns)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w * 64 < columns; w++)
        n += (uint32_t)__builtin_popcountll(bits->words[w]);
    return n;
}

/* For n of that many: the number of low bits that makes them shortest. */
static unsigned rice_k(uint32_t n, uint32_t columns)
{
    unsigned k = 0;
    while (k < RICE_K_MAX && (columns - n) * 69 / 100 / n >> (k + 1) > 0)
        k++;
    return k;
}

void index_row_add(struct buf *row, uint32_t before, uint32_t gram,
                   const struct index_row_bits *bits, uint32_t columns)
{
    char bytes[INDEX_ROW_COLUMNS_MAX / 8 + 1];
    size_t plain = (columns + 7) / 8;
    uint32_t n = count(bits, columns);
    enum line_kind kind = n * 2 <= columns ? LINE_SET : LINE_CLEAR;
    uint32_t packed = kind == LINE_SET ? n : columns - n;
    struct rice_out o = {.p = bytes, .max = plain};
    if (packed > 0 &&
        !rice_pack(bits, columns, kind == LINE_SET ? 0 : UINT64_MAX, rice_k(packed, columns), &o)) {
        kind = LINE_PLAIN;
        o.n = plain;
        for (size_t i = 0; i < plain; i++)
            bytes[i] = (char)(bits->words[i / 8] >> (i % 8 * 8));
    }
    put_leb(row, gram - before);
    put_leb(row, o.n << 2 | kind);
    (void)buf_add(row, span_of(bytes, o.n));
}

/* --- unpacking --- */

void index_row_walk(struct index_row_walk *w, struct span row, uint32_t first)
{
    *w = (struct index_row_walk){.rest = row, .gram = first};
}

bool index_row_walk_next(struct index_row_walk *w, uint32_t *gram, struct span *line)
{
    uint64_t step, size;
    if (w->rest.n == 0)
        return false;
    struct span at = w->rest;
    w->damaged = !take_leb(&at, &step) || step > UINT32_MAX;
    *line = at; /* with its size and kind */
    w->damaged = w->damaged || !take_leb(&at, &size) || (size >> 2) > at.n;
    if (w->damaged)
        return false;
    at = span_from(at, (size_t)(size >> 2));
    *line = span_to(*line, line->n - at.n);
    w->rest = at;
    w->gram += (uint32_t)step;
    *gram = w->gram;
    return true;
}

struct rice_in {
    struct span rest;
    uint64_t bits;
    unsigned have;
};

static void rice_fill(struct rice_in *in)
{
    size_t i = 0;
    for (; in->have < 56 && i < in->rest.n; i++, in->have += 8)
        in->bits |= (uint64_t)(unsigned char)in->rest.p[i] << in->have;
    in->rest = span_from(in->rest, i);
}

/* False at the end, and where the end cuts a number: *cut. */
static bool rice_take(struct rice_in *in, unsigned k, uint32_t *gap, bool *cut)
{
    uint32_t high = 0;
    for (;;) {
        rice_fill(in);
        if (in->have == 0)
            return false; /* ones to the end are its filling */
        unsigned ones = (unsigned)__builtin_ctzll(~in->bits);
        if (ones < in->have) {
            high += ones;
            in->bits >>= ones + 1;
            in->have -= ones + 1;
            break;
        }
        high += in->have;
        in->bits = 0;
        in->have = 0;
    }
    rice_fill(in);
    if (in->have < k) {
        *cut = true;
        return false;
    }
    *gap = high << k | (uint32_t)(in->bits & ((1u << k) - 1));
    in->bits >>= k;
    in->have -= k;
    return true;
}

static bool rice_unpack(struct span bytes, uint32_t columns, struct index_row_bits *out)
{
    if (bytes.n == 0)
        return true;
    unsigned k = (unsigned char)bytes.p[0];
    struct rice_in in = {.rest = span_from(bytes, 1)};
    uint32_t gap, next = 0;
    bool cut = k > RICE_K_MAX;
    while (!cut && rice_take(&in, k, &gap, &cut)) {
        if (gap >= columns - next) /* so that next stays at most columns */
            return false;
        index_row_bit_set(out, next + gap);
        next += gap + 1;
    }
    return !cut;
}

static void turn_round(struct index_row_bits *b, uint32_t columns)
{
    for (uint32_t w = 0; w * 64 < columns; w++) {
        b->words[w] = ~b->words[w];
        if (columns - w * 64 < 64)
            b->words[w] &= (UINT64_C(1) << (columns - w * 64)) - 1;
    }
}

static bool plain_unpack(struct span bytes, uint32_t columns, struct index_row_bits *out)
{
    if (bytes.n != (columns + 7) / 8)
        return false;
    for (size_t i = 0; i < bytes.n; i++)
        out->words[i / 8] |= (uint64_t)(unsigned char)bytes.p[i] << (i % 8 * 8);
    return columns % 64 == 0 || out->words[columns / 64] >> (columns % 64) == 0;
}

bool index_row_line(struct span line, uint32_t columns, struct index_row_bits *out)
{
    uint64_t size;
    memset(out->words, 0, (columns + 63) / 64 * sizeof *out->words);
    if (columns > INDEX_ROW_COLUMNS_MAX || !take_leb(&line, &size) || size >> 2 != line.n)
        return false;
    enum line_kind kind = (enum line_kind)(size & 3);
    if (kind == LINE_PLAIN)
        return plain_unpack(line, columns, out);
    if (kind >= LINE_KINDS || !rice_unpack(line, columns, out))
        return false;
    if (kind == LINE_CLEAR)
        turn_round(out, columns);
    return true;
}
