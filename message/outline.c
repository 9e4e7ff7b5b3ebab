#include "message/outline.h"
#include "common/le.h"
#include "common/mem.h"
#include "message/header_keep.h"
#include "message/mime.h"

/* THE RECORD
 * All numbers are little-endian and unsigned unless said otherwise; offsets in the message are in bytes.
 *
 *   offset  size  meaning
 *        0     4  "MSO2": the layout; another one has another last byte
 *        4     4  bytes of the record
 *        8     8  bytes of the message
 *       16     8  bytes of its header with the empty line
 *       24     8  Date in seconds since 1970 UTC, signed; 0 without FLAG_DATED
 *       32     4  zone of Date in minutes, signed
 *       36     4  flags: FLAG_DATED; FLAG_FIELDS if F has the fields
 *       40     4  number of parts P, at least 1
 *       44     4  number of cuts C
 *       48     4  bytes of the names N
 *       52     4  bytes of ENVELOPE E
 *       56     4  bytes of BODYSTRUCTURE B
 *       60     4  bytes of the subject S
 *       64     4  bytes of the digest D
 *       68     4  bytes of the preview V
 *       72     4  bytes of the fields F
 *       76  64*P  parts, in document order (below)
 *           8* C  cuts: offset (4) and length (4) of what BODY leaves out of BODYSTRUCTURE; rising, not overlapping
 *              N  names: for each part its type, subtype and charset, lower case
 *              E  ENVELOPE, ready for the wire
 *              B  BODYSTRUCTURE, ready for the wire
 *              S  subject, UTF-8
 *              D  digest, a record of message/digest.c
 *              V  preview, UTF-8
 *              F  header fields as they came, those of message/header_keep.c
 *
 * A part:
 *   offset  size  meaning
 *        0     8  where its header begins
 *        8     8  where its body begins
 *       16     8  where its body ends
 *       24     8  bytes of its decoded body
 *       32     8  lines of its body
 *       40     4  index of its parent; less than its own, but 0 for part 0
 *       44     4  number among the children of its parent, from 1
 *       48     4  index of the first part behind all that it holds; larger than its own
 *       52     4  where its type begins in the names
 *       56     1  bytes of its type; the subtype follows it
 *       57     1  bytes of its subtype; the charset follows it
 *       58     1  bytes of its charset
 *       59     1  kind, enum outline_kind
 *       60     1  encoding, enum encode_kind
 *       61     1  PART_ATTACHMENT
 *       62     2  0
 *
 * HOW PARTS ARE INDEXED
 * A message in a message has a part of its own, hidden from section numbers: to its own body it is what part 0 is to the
 * body of the whole message. It always comes right behind the part that holds it.
 *
 *   index  kind       parent  number  section          what it is
 *       0  MULTIPART       0       1  HEADER, TEXT     the message: multipart/mixed
 *       1  LEAF            0       1  1                text/plain
 *       2  MESSAGE         0       2  2                message/rfc822
 *       3  MULTIPART       2       1  2.HEADER 2.TEXT  hidden: the message in it, multipart/alternative
 *       4  LEAF            3       1  2.1              text/plain
 *       5  LEAF            3       2  2.2              text/html
 *       6  MESSAGE         0       3  3                message/rfc822
 *       7  LEAF            6       1  3.1              hidden: the message in it, text/plain; 3.HEADER, 3.TEXT
 *       8  LEAF            0       4  4                image/png
 */

#define HEAD_BYTES 76u
#define COUNTS 9u /* from offset 40 on */
#define PART_BYTES 64u
#define CUT_BYTES 8u
#define FLAG_DATED 1u
#define FLAG_FIELDS 2u
#define START_BYTES (16u << 10) /* a longer header has no fields in the record */
#define PART_ATTACHMENT 1u
static const char magic[4] = {'M', 'S', 'O', '2'};

const struct outline_limits outline_limits_default = {
    .depth_count = 100,
    .part_count = 10000,
    .field_bytes = 256u << 10,
    .header_bytes = 2u << 20,
    .address_count = 1000,
};

/* --- making one ---------------------------------------------------------------------------------------------------- */

struct outline_parser {
    struct mime *mime;
    uint64_t bytes;
    struct buf start; /* of the message, START_BYTES at most */
    bool fields_kept;
    struct buf fields;
};

struct outline_parser *outline_new(const struct outline_limits *limits)
{
    struct outline_parser *p = mem_new(struct outline_parser);
    p->mime = mime_new(limits);
    buf_init(&p->start, START_BYTES);
    buf_init(&p->fields, HEADER_KEEP_BYTES);
    return p;
}

void outline_free(struct outline_parser **p)
{
    if (*p) {
        mime_free(&(*p)->mime);
        buf_fini(&(*p)->start);
        buf_fini(&(*p)->fields);
    }
    mem_free(*p);
    *p = NULL;
}

void outline_feed(struct outline_parser *p, struct span piece)
{
    buf_add(&p->start, span_to(piece, START_BYTES - p->start.n));
    p->bytes += piece.n;
    mime_feed(p->mime, piece);
}

static void put_head(char *to, const struct mime_message *m, const struct outline_parser *p,
                     const uint32_t counts[COUNTS], size_t record_bytes)
{
    memcpy(to, magic, sizeof magic);
    le_put(to + 4, record_bytes, 4);
    le_put(to + 8, p->bytes, 8);
    le_put(to + 16, m->parts[0].row.body_at, 8);
    le_put(to + 24, m->dated ? (uint64_t)m->sent.utc : 0, 8);
    le_put(to + 32, m->dated ? (uint64_t)(int64_t)m->sent.zone_minutes : 0, 4);
    le_put(to + 36, (m->dated ? FLAG_DATED : 0) | (p->fields_kept ? FLAG_FIELDS : 0), 4);
    for (unsigned i = 0; i < COUNTS; i++)
        le_put(to + 40 + 4 * i, counts[i], 4);
}

static void put_part(char *to, const struct structure_part *p, size_t names_at)
{
    const struct outline_part *row = &p->row;
    le_put(to, row->header_at, 8);
    le_put(to + 8, row->body_at, 8);
    le_put(to + 16, row->end_at, 8);
    le_put(to + 24, row->decoded_bytes, 8);
    le_put(to + 32, row->lines, 8);
    le_put(to + 40, row->parent, 4);
    le_put(to + 44, row->number, 4);
    le_put(to + 48, p->next, 4);
    le_put(to + 52, names_at, 4);
    le_put(to + 56, row->type.n, 1);
    le_put(to + 57, row->subtype.n, 1);
    le_put(to + 58, row->charset.n, 1);
    le_put(to + 59, row->kind, 1);
    le_put(to + 60, row->encoding, 1);
    le_put(to + 61, row->attachment ? PART_ATTACHMENT : 0, 1);
    le_put(to + 62, 0, 2);
}

static size_t names_bytes(const struct structure_part *p)
{
    return p->row.type.n + p->row.subtype.n + p->row.charset.n;
}

static size_t put_span(char *to, struct span s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return s.n;
}

/* False: it would be larger than OUTLINE_RECORD_MAX or than out may be; then nothing is added. */
static bool put_record(struct buf *out, const struct mime_message *m,
                       const struct outline_parser *p, struct span structure,
                       const struct structure_cut *cuts, size_t cuts_n)
{
    size_t names = 0;
    for (uint32_t i = 0; i < m->n; i++)
        names += names_bytes(&m->parts[i]);
    struct span envelope = m->parts[0].envelope;
    size_t n = HEAD_BYTES + (size_t)m->n * PART_BYTES + cuts_n * CUT_BYTES + names + envelope.n +
               structure.n + m->subject.n + m->digest.n + m->preview.n + p->fields.n;
    bool full = out->full;
    char *to = n <= OUTLINE_RECORD_MAX ? buf_room(out, n) : NULL;
    if (!to) {
        out->full = full;
        return false;
    }
    const uint32_t counts[COUNTS] = {m->n,
                                     (uint32_t)cuts_n,
                                     (uint32_t)names,
                                     (uint32_t)envelope.n,
                                     (uint32_t)structure.n,
                                     (uint32_t)m->subject.n,
                                     (uint32_t)m->digest.n,
                                     (uint32_t)m->preview.n,
                                     (uint32_t)p->fields.n};
    put_head(to, m, p, counts, n);
    char *at = to + HEAD_BYTES, *name = at + m->n * PART_BYTES + cuts_n * CUT_BYTES;
    char *names_begin = name;
    for (uint32_t i = 0; i < m->n; i++, at += PART_BYTES) {
        put_part(at, &m->parts[i], (size_t)(name - names_begin));
        name += put_span(name, m->parts[i].row.type);
        name += put_span(name, m->parts[i].row.subtype);
        name += put_span(name, m->parts[i].row.charset);
    }
    for (size_t i = 0; i < cuts_n; i++, at += CUT_BYTES) {
        le_put(at, cuts[i].at, 4);
        le_put(at + 4, cuts[i].n, 4);
    }
    name += put_span(name, envelope);
    name += put_span(name, structure);
    name += put_span(name, m->subject);
    name += put_span(name, m->digest);
    name += put_span(name, m->preview);
    put_span(name, buf_span(&p->fields));
    buf_grew(out, n);
    return true;
}

/* The record of a message that is one opaque part, for one whose real record would be too large. */
static bool put_opaque(struct buf *out, const struct mime_message *m,
                       const struct outline_parser *p)
{
    struct structure_part part = m->parts[0];
    struct mime_message opaque = *m;
    struct structure_content c = {.encoding = SPAN("7bit")};
    struct structure_cut cut;
    struct buf head, structure;
    size_t tail_at;
    structure_opaque(&c);
    buf_init(&head, OUTLINE_RECORD_MAX);
    buf_init(&structure, OUTLINE_RECORD_MAX);
    structure_put_part(&c, OUTLINE_LEAF, &head, &tail_at);
    part.row.kind = OUTLINE_LEAF;
    part.row.encoding = ENCODE_7BIT;
    part.row.type = c.kind;
    part.row.subtype = c.subkind;
    part.row.charset = c.charset;
    part.row.attachment = false;
    part.row.decoded_bytes = part.row.end_at - part.row.body_at;
    part.next = 1;
    part.head = span_to(buf_span(&head), tail_at);
    part.tail = span_from(buf_span(&head), tail_at);
    opaque.parts = &part;
    opaque.n = 1;
    size_t cuts_n = structure_put(&part, 1, &structure, &cut);
    bool done = part.envelope.p && put_record(out, &opaque, p, buf_span(&structure), &cut, cuts_n);
    if (!done) { /* then the envelope was what was too large */
        part.envelope = SPAN("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
        done = put_record(out, &opaque, p, buf_span(&structure), &cut, cuts_n);
    }
    buf_fini(&head);
    buf_fini(&structure);
    return done;
}

void outline_end(struct outline_parser *p, struct buf *out)
{
    struct mime_message m;
    struct buf structure;
    mime_end(p->mime, &m);
    uint64_t header = m.parts[0].row.body_at;
    p->fields_kept = header <= p->start.n &&
                     header_keep_fields(span_to(buf_span(&p->start), (size_t)header), &p->fields);
    struct structure_cut *cuts = mem_alloc(m.n * sizeof *cuts);
    buf_init(&structure, OUTLINE_RECORD_MAX);
    bool done = !m.too_large;
    if (done) {
        size_t cuts_n = structure_put(m.parts, m.n, &structure, cuts);
        done = !structure.full && put_record(out, &m, p, buf_span(&structure), cuts, cuts_n);
    }
    if (!done && !put_opaque(out, &m, p))
        out->full = true;
    buf_fini(&structure);
    mem_free(cuts);
}

/* --- reading one --------------------------------------------------------------------------------------------------- */

/* Where the sections of the record begin; outline_open has proved that they fit. */
struct sections {
    /* counts and sizes, as stored */
    uint32_t parts, cuts, names, envelope, structure, subject, digest, preview, fields;
    size_t cuts_at, names_at, envelope_at, structure_at, subject_at, digest_at, preview_at,
        fields_at, end;
};

static struct sections sections_of(struct span record)
{
    struct sections s;
    const char *p = record.p;
    s.parts = le_get32(p + 40);
    s.cuts = le_get32(p + 44);
    s.names = le_get32(p + 48);
    s.envelope = le_get32(p + 52);
    s.structure = le_get32(p + 56);
    s.subject = le_get32(p + 60);
    s.digest = le_get32(p + 64);
    s.preview = le_get32(p + 68);
    s.fields = le_get32(p + 72);
    s.cuts_at = HEAD_BYTES + (size_t)s.parts * PART_BYTES;
    s.names_at = s.cuts_at + (size_t)s.cuts * CUT_BYTES;
    s.envelope_at = s.names_at + s.names;
    s.structure_at = s.envelope_at + s.envelope;
    s.subject_at = s.structure_at + s.structure;
    s.digest_at = s.subject_at + s.subject;
    s.preview_at = s.digest_at + s.digest;
    s.fields_at = s.preview_at + s.preview;
    s.end = s.fields_at + s.fields;
    return s;
}

bool outline_open(struct span record, struct outline *out)
{
    if (record.n < HEAD_BYTES || memcmp(record.p, magic, sizeof magic) != 0 ||
        le_get32(record.p + 4) != record.n)
        return false;
    struct sections s = sections_of(record);
    if (s.parts == 0 || s.end != record.n)
        return false;
    uint32_t flags = le_get32(record.p + 36);
    *out = (struct outline){
        .record = record,
        .bytes = le_get(record.p + 8, 8),
        .header_bytes = le_get(record.p + 16, 8),
        .dated = flags & FLAG_DATED,
        .sent = {.utc = (int64_t)le_get(record.p + 24, 8),
                 .zone_minutes = (int32_t)le_get32(record.p + 32)},
        .parts = s.parts,
        .envelope = span_of(record.p + s.envelope_at, s.envelope),
        .bodystructure = span_of(record.p + s.structure_at, s.structure),
        .subject = span_of(record.p + s.subject_at, s.subject),
        .digest = span_of(record.p + s.digest_at, s.digest),
        .preview = span_of(record.p + s.preview_at, s.preview),
        .fields_kept = flags & FLAG_FIELDS,
        .fields = span_of(record.p + s.fields_at, s.fields),
    };
    return out->header_bytes <= out->bytes && flags <= (FLAG_DATED | FLAG_FIELDS);
}

struct span outline_body(const struct outline *o, struct arena *a)
{
    struct sections s = sections_of(o->record);
    const char *cut = o->record.p + s.cuts_at;
    char *p = arena_alloc(a, s.structure);
    size_t n = 0, from = 0;
    for (uint32_t i = 0; i < s.cuts; i++, cut += CUT_BYTES) {
        size_t at = le_get32(cut), length = le_get32(cut + 4);
        if (at < from || at > s.structure || length > s.structure - at)
            continue; /* damaged */
        n += put_span(p + n, span_of(o->bodystructure.p + from, at - from));
        from = at + length;
    }
    n += put_span(p + n, span_from(o->bodystructure, from));
    return span_of(p, n);
}

static const char *row_of(const struct outline *o, uint32_t i)
{
    return o->record.p + HEAD_BYTES + (size_t)i * PART_BYTES;
}

static bool read_names(const struct outline *o, const char *row, struct outline_part *out)
{
    struct sections s = sections_of(o->record);
    size_t at = le_get32(row + 52);
    size_t type = (size_t)le_get(row + 56, 1), subtype = (size_t)le_get(row + 57, 1);
    size_t charset = (size_t)le_get(row + 58, 1);
    if (at > s.names || type + subtype + charset > s.names - at)
        return false;
    const char *name = o->record.p + s.names_at + at;
    out->type = span_of(name, type);
    out->subtype = span_of(name + type, subtype);
    out->charset = span_of(name + type + subtype, charset);
    return true;
}

bool outline_part(const struct outline *o, uint32_t i, struct outline_part *out)
{
    if (i >= o->parts)
        return false;
    const char *row = row_of(o, i);
    uint64_t kind = le_get(row + 59, 1), encoding = le_get(row + 60, 1);
    if (kind > OUTLINE_MESSAGE || encoding > ENCODE_UNKNOWN)
        return false;
    *out = (struct outline_part){.kind = (enum outline_kind)kind,
                                 .parent = le_get32(row + 40),
                                 .number = le_get32(row + 44),
                                 .header_at = le_get(row, 8),
                                 .body_at = le_get(row + 8, 8),
                                 .end_at = le_get(row + 16, 8),
                                 .decoded_bytes = le_get(row + 24, 8),
                                 .lines = le_get(row + 32, 8),
                                 .encoding = (enum encode_kind)encoding,
                                 .attachment = le_get(row + 61, 1) & PART_ATTACHMENT};
    uint32_t next = le_get32(row + 48);
    return (out->parent < i || (i == 0 && out->parent == 0)) && next > i && next <= o->parts &&
           out->header_at <= out->body_at && out->body_at <= out->end_at &&
           out->end_at <= o->bytes && read_names(o, row, out);
}

/* The number-th child of multipart i. Walks over the siblings before it; what they hold is stepped over. */
static bool child_of(const struct outline *o, uint32_t i, uint32_t number, uint32_t *child)
{
    uint32_t end = le_get32(row_of(o, i) + 48), at = i + 1;
    if (end > o->parts || number == 0)
        return false;
    while (--number > 0 && at < end) {
        uint32_t next = le_get32(row_of(o, at) + 48);
        if (next <= at)
            return false;
        at = next;
    }
    *child = at;
    return at < end;
}

bool outline_message(const struct outline *o, uint32_t index, uint32_t *inner_out)
{
    struct outline_part p;
    *inner_out = index + 1;
    return outline_part(o, index, &p) && p.kind == OUTLINE_MESSAGE &&
           outline_part(o, index + 1, &p) && p.parent == index;
}

bool outline_section(const struct outline *o, const uint32_t *numbers, size_t n,
                     uint32_t *index_out)
{
    uint32_t at = 0;
    bool whole = true; /* at is a message as a whole: its body has not been named yet */
    struct outline_part p;
    for (size_t i = 0; i < n; i++) {
        if (!outline_part(o, at, &p))
            return false;
        if (!whole && p.kind == OUTLINE_MESSAGE) {
            if (!outline_message(o, at, &at) || !outline_part(o, at, &p))
                return false;
            whole = true;
        }
        if (p.kind == OUTLINE_MULTIPART) {
            if (!child_of(o, at, numbers[i], &at))
                return false;
        } else if (!whole || numbers[i] != 1) {
            return false;
        }
        whole = false;
    }
    *index_out = at;
    return outline_part(o, at, &p);
}
