#include "message/mime.h"
#include "common/mem.h"
#include "message/digest_header.h"
#include "message/envelope.h"
#include "message/gather.h"
#include "message/header.h"
#include "message/preview.h"

/* One pass, line by line. At any moment the parser is in the header or in the body of one part, the current one; a
 * multipart is current itself in its preamble and epilogue. Multiparts that are not closed lie on a stack, and each line that
 * begins with "--" is compared with all their boundaries: a boundary of an outer one ends everything in between.
 * Parts lie in an array in document order with the index of their parent, so nothing here recurses. */

#define BOUNDARY_BYTES 1000              /* a longer one cannot stand on a line: RFC 5322 §2.1.1 */
#define LINE_BYTES (BOUNDARY_BYTES + 98) /* with dashes and transport padding */
#define HELD_BYTES (LINE_BYTES + 2)

struct open {
    struct span boundary;
    uint32_t hash;     /* of boundary: what a line is compared with first */
    uint32_t blanks;   /* white space at its end, which boundary is without */
    uint32_t part;     /* its multipart */
    uint32_t children; /* so far */
};

struct mime {
    struct outline_limits limits;
    struct arena *kept;    /* until the end */
    struct arena *scratch; /* while one header is read */
    struct buf text;       /* the same */
    size_t text_left;      /* bytes that the texts of further parts may fill */
    bool too_large, dated;
    struct date sent;
    struct span subject, digest;
    struct preview preview;

    struct structure_part *parts;
    size_t parts_cap;
    uint32_t parts_n;
    uint32_t current;
    bool in_header; /* of the current part */
    bool greedy;    /* the current part is the last that the limit allows: all the rest is its */
    struct open *open;
    size_t open_cap, open_n;

    struct span piece;     /* the one being fed */
    uint64_t piece_at;     /* where it begins in the message */
    bool ends_in_cr;       /* the piece before did */
    uint64_t line_at;      /* where the current line begins */
    unsigned line_end_n;   /* bytes of the line end before it: 0 (start of the message), 1 or 2 */
    uint64_t line_ends;    /* before the current line, in the whole message */
    bool line_plain;       /* the current line (of a body) is no boundary */
    char line[LINE_BYTES]; /* what of it has come, while it may be one */
    size_t line_n;
    struct gather gather;

    struct encode_decoder decoder; /* of the current part, to know its decoded_bytes */
    bool measures;                 /* the current part is decoded, or read for the preview */
    uint64_t measured_to;          /* where the decoder stands */
    uint64_t
        held_at; /* bytes of earlier pieces of which we do not know yet whether they are part of the body */
    char held[HELD_BYTES];
    size_t held_n;
};

static bool wants_any(struct span name)
{
    return structure_wants(name) || envelope_wants(name);
}

static bool wants_first(struct span name)
{
    return wants_any(name) || digest_header_wants(name);
}

/* --- decoded size -------------------------------------------------------------------------------------------------- */

static void measure(struct mime *m, struct span body)
{
    encode_measure(&m->decoder, body, false, &m->parts[m->current].row.decoded_bytes);
    preview_feed(&m->preview, body);
}

/* Lets the decoder of the current part see everything before offset to. */
static void measure_to(struct mime *m, uint64_t to)
{
    if (!m->measures || m->measured_to >= to)
        return;
    if (m->measured_to < m->piece_at) {
        uint64_t end = to < m->piece_at ? to : m->piece_at;
        measure(m,
                span_of(m->held + (m->measured_to - m->held_at), (size_t)(end - m->measured_to)));
        m->measured_to = end;
    }
    if (m->measured_to < to) {
        measure(
            m, span_of(m->piece.p + (m->measured_to - m->piece_at), (size_t)(to - m->measured_to)));
        m->measured_to = to;
    }
}

/* At the end of a piece: a line end, and a line that may be a boundary, wait for what comes next. */
static void hold_back(struct mime *m)
{
    uint64_t end = m->piece_at + m->piece.n;
    if (!m->measures || m->in_header)
        return;
    uint64_t from = m->line_at - m->line_end_n;
    if (m->line_plain)
        from = m->piece.p[m->piece.n - 1] == '\r' ? end - 1 : end;
    measure_to(m, from);
    from = m->measured_to; /* later than that only at the start of the body */
    if (from < m->piece_at) {
        m->held_n = (size_t)(m->piece_at - from);
        memmove(m->held, m->held + (from - m->held_at), m->held_n);
        memcpy(m->held + m->held_n, m->piece.p, m->piece.n);
        m->held_n += m->piece.n;
    } else {
        m->held_n = (size_t)(end - from);
        memcpy(m->held, m->piece.p + (from - m->piece_at), m->held_n);
    }
    m->held_at = from;
}

/* --- parts --------------------------------------------------------------------------------------------------------- */

/* Makes room for one more element; cap doubles. */
static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap ? *cap * 2 : 4;
    return mem_grow(list, *cap * size);
}

static struct structure_part *part_add(struct mime *m, uint32_t parent, uint32_t number,
                                       uint64_t at)
{
    m->parts = grow(m->parts, m->parts_n, &m->parts_cap, sizeof *m->parts);
    struct structure_part *p = &m->parts[m->parts_n];
    *p = (struct structure_part){.row = {.parent = parent, .number = number, .header_at = at}};
    p->level = m->parts_n == 0 ? 1 : m->parts[parent].level + 1;
    m->parts_n++;
    return p;
}

/* Whether part i is a whole message: has a header with an envelope. */
static bool is_message(const struct mime *m, uint32_t i)
{
    return i == 0 || m->parts[m->parts[i].row.parent].row.kind == OUTLINE_MESSAGE;
}

static void part_begin(struct mime *m, uint32_t parent, uint32_t number, uint64_t at)
{
    m->current = m->parts_n;
    part_add(m, parent, number, at);
    m->in_header = true;
    m->measures = false;
    m->greedy = m->parts_n >= m->limits.part_count;
    if (m->greedy)
        m->open_n = 0; /* no boundary ends it */
    if (m->current == 0)
        gather_begin(&m->gather, wants_first);
    else
        gather_begin(&m->gather, is_message(m, m->current) ? wants_any : structure_wants);
}

/* A copy of s that lives until the end, if the record can still hold it. */
static struct span keep_text(struct mime *m, struct span s)
{
    if (s.n > m->text_left || m->text.full) {
        m->too_large = true;
        return (struct span){NULL, 0};
    }
    m->text_left -= s.n;
    return arena_keep(m->kept, s);
}

static void set_content(struct mime *m, struct structure_part *p, const struct structure_content *c)
{
    struct outline_part *row = &p->row;
    size_t tail_at;
    row->encoding = encode_named(c->encoding);
    if (row->kind != OUTLINE_LEAF && (row->encoding == ENCODE_BASE64 || row->encoding == ENCODE_QP))
        row->encoding = ENCODE_UNKNOWN; /* these are never encoded as a whole: RFC 2045 §6.4 */
    row->type = arena_keep(m->kept, c->kind);
    row->subtype = arena_keep(m->kept, c->subkind);
    row->charset = arena_keep(m->kept, c->charset);
    row->attachment = c->attachment;
    buf_reset(&m->text);
    structure_put_part(c, row->kind, &m->text, &tail_at);
    p->head = keep_text(m, span_to(buf_span(&m->text), tail_at));
    p->tail = keep_text(m, span_from(buf_span(&m->text), tail_at));
}

/* A multipart without any part: RFC 2046 §5.1.1 wants one, and so does BODYSTRUCTURE. */
static void add_empty_child(struct mime *m, uint32_t i, uint64_t at)
{
    struct structure_content c;
    arena_reset(m->scratch);
    structure_read(m->scratch, SPAN(""), false, &c);
    if (m->parts_n + 1 >= m->limits.part_count) {
        structure_opaque(&c);
        m->parts[i].row.kind = OUTLINE_LEAF;
        m->parts[i].row.decoded_bytes = at - m->parts[i].row.body_at;
        set_content(m, &m->parts[i], &c);
        return;
    }
    struct structure_part *p = part_add(m, i, 1, at);
    p->row.body_at = p->row.end_at = at;
    p->next = m->parts_n;
    set_content(m, p, &c);
}

/* The part ends before the current line, without the line end in between if that is not the end of its own header or of
 * that of the part in it, which ends at inner_end. Returns where it ends. */
static uint64_t part_end(struct mime *m, uint32_t i, uint64_t inner_end)
{
    struct outline_part *row = &m->parts[i].row;
    uint64_t end = m->line_at - m->line_end_n;
    if (end < row->body_at)
        end = row->body_at;
    if (end < inner_end)
        end = inner_end;
    row->end_at = end;
    row->lines = m->line_ends - row->lines; /* until now: line ends before the body */
    if (end < m->line_at)
        row->lines--;
    if (i == m->current && m->measures) {
        measure_to(m, end);
        encode_measure(&m->decoder, SPAN(""), true, &row->decoded_bytes);
        preview_end(&m->preview);
        m->measures = false;
    } else {
        row->decoded_bytes = end - row->body_at;
    }
    if (row->kind == OUTLINE_MULTIPART && m->parts_n == i + 1)
        add_empty_child(m, i, end); /* row may have moved */
    m->parts[i].next = m->parts_n;
    return end;
}

/* --- headers ------------------------------------------------------------------------------------------------------- */

static enum outline_kind kind_of(const struct structure_content *c)
{
    if (span_eq(c->kind, SPAN("multipart")) && c->boundary.n > 0 && c->boundary.n <= BOUNDARY_BYTES)
        return OUTLINE_MULTIPART;
    if (span_eq(c->kind, SPAN("message")) &&
        (span_eq(c->subkind, SPAN("rfc822")) || span_eq(c->subkind, SPAN("global"))))
        return OUTLINE_MESSAGE;
    return OUTLINE_LEAF;
}

/* Whether there may be parts below part i. The message in a message must not be the last part that the limit allows. */
static bool may_hold(const struct mime *m, uint32_t i, enum outline_kind kind)
{
    unsigned reserve = kind == OUTLINE_MESSAGE ? 1 : 0;
    return m->parts[i].level < m->limits.depth_count && m->parts_n + reserve < m->limits.part_count;
}

static uint32_t hash(struct span s, uint32_t h)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u; /* FNV-1a */
    return h;
}

#define HASH_START 2166136261u

static void boundary_open(struct mime *m, struct span boundary, size_t blanks)
{
    m->open = grow(m->open, m->open_n, &m->open_cap, sizeof *m->open);
    m->open[m->open_n++] = (struct open){.boundary = arena_keep(m->kept, boundary),
                                         .hash = hash(boundary, HASH_START),
                                         .blanks = (uint32_t)blanks,
                                         .part = m->current};
}

/* Cut at a character. */
static struct span subject_cut(struct span s)
{
    if (s.n > MIME_SUBJECT_BYTES)
        for (s.n = MIME_SUBJECT_BYTES; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--;
    return s;
}

/* What only the message itself has. */
static void read_message_fields(struct mime *m, struct span header)
{
    struct header_field f;
    struct digest known = {.dated = false};
    if (header_last(header, SPAN("Date"), &f))
        m->dated = date_parse(header_unfold(m->scratch, f.value), &m->sent);
    if (header_last(header, SPAN("Subject"), &f))
        known.subject = words_decode(m->scratch, header_unfold(m->scratch, f.value));
    m->subject = arena_keep(m->kept, subject_cut(known.subject));
    known.dated = m->dated;
    known.sent = m->sent;
    buf_reset(&m->text);
    digest_header(m->scratch, header, &known, &m->text);
    m->digest = arena_keep(m->kept, buf_span(&m->text));
}

/* Begins the preview with the current part if it is a text to be read and none has been found before it. */
static bool preview_part(struct mime *m, const struct outline_part *row)
{
    bool html = span_eq(row->subtype, SPAN("html"));
    if (row->kind != OUTLINE_LEAF || row->attachment || !span_eq(row->type, SPAN("text")) ||
        (!html && !span_eq(row->subtype, SPAN("plain"))) || !preview_wants(&m->preview))
        return false;
    preview_begin(&m->preview, row->encoding, row->charset, html);
    return true;
}

/* The header of the current part has ended; the next byte of it is body. */
static void header_end(struct mime *m, uint64_t body_at)
{
    uint32_t i = m->current;
    struct structure_part *p = &m->parts[i];
    const struct structure_part *parent = &m->parts[p->row.parent];
    struct span header = buf_span(&m->gather.kept);
    struct structure_content c;
    arena_reset(m->scratch);
    bool in_digest = i > 0 && parent->row.kind == OUTLINE_MULTIPART &&
                     span_eq(parent->row.subtype, SPAN("digest"));
    structure_read(m->scratch, header, in_digest, &c);
    p->row.kind = kind_of(&c);
    if (m->greedy || (p->row.kind != OUTLINE_LEAF && !may_hold(m, i, p->row.kind))) {
        structure_opaque(&c);
        p->row.kind = OUTLINE_LEAF;
    } else if (p->row.kind == OUTLINE_LEAF && span_eq(c.kind, SPAN("multipart"))) {
        structure_plain(&c); /* no boundary that a line could hold */
    }
    set_content(m, p, &c);
    if (is_message(m, i)) {
        buf_reset(&m->text);
        envelope_put(m->scratch, header, m->limits.address_count, &m->text);
        p->envelope = keep_text(m, buf_span(&m->text));
    }
    if (i == 0)
        read_message_fields(m, header);
    p->row.body_at = body_at;
    p->row.lines = m->line_ends;
    m->in_header = false;
    m->measures = p->row.encoding == ENCODE_BASE64 || p->row.encoding == ENCODE_QP;
    m->measures = preview_part(m, &p->row) || m->measures;
    m->decoder = ENCODE_DECODER(p->row.encoding);
    m->measured_to = body_at;
    if (p->row.kind == OUTLINE_MULTIPART)
        boundary_open(m, c.boundary, c.boundary_blanks);
    else if (p->row.kind == OUTLINE_MESSAGE)
        part_begin(m, i, 1, body_at);
}

/* --- boundaries ---------------------------------------------------------------------------------------------------- */

struct delimiter {
    size_t open; /* index */
    bool close;  /* "--" boundary "--" */
};

/* Whether the boundary is what s begins with; hashes are those of the beginnings of s. */
static bool begins_with(struct span s, const uint32_t *hashes, const struct open *o)
{
    size_t n = o->boundary.n;
    return n <= s.n && hashes[n] == o->hash && memcmp(s.p, o->boundary.p, n) == 0;
}

/* Whether s is that boundary and nothing else. */
static bool is_whole(struct span s, const struct open *o)
{
    size_t rest = s.n - o->boundary.n;
    return rest == 0 || (rest == 2 && s.p[s.n - 1] == '-' && s.p[s.n - 2] == '-');
}

static bool is_close(struct span s, const struct open *o)
{
    struct span rest = span_from(s, o->boundary.n);
    for (size_t i = 0; i < o->blanks && rest.n > 0 && (*rest.p == ' ' || *rest.p == '\t'); i++)
        rest = span_from(rest, 1);
    return rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-';
}

/* dash-boundary [ "--" ] transport-padding    "it is sufficient that the boundary appear in its entirety following the
 * CRLF", RFC 2046 §5.1.1: what follows on the line does not matter. Of several that match, one that is the whole line is meant,
 * else the longest, and of equal ones the innermost. */
static bool delimiter_find(const struct mime *m, struct span line, struct delimiter *out)
{
    uint32_t hashes[BOUNDARY_BYTES + 1]; /* of the first i bytes */
    const struct open *best = NULL;
    if (m->open_n == 0 || line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
        return false;
    struct span s = span_from(line, 2);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    hashes[0] = HASH_START;
    for (size_t i = 0; i < s.n && i < BOUNDARY_BYTES; i++)
        hashes[i + 1] = hash(span_of(s.p + i, 1), hashes[i]);
    for (size_t i = m->open_n; i-- > 0;) {
        const struct open *o = &m->open[i];
        if (!begins_with(s, hashes, o) || (best && best->boundary.n >= o->boundary.n))
            continue;
        best = o;
        if (is_whole(s, o))
            break;
    }
    if (best)
        *out = (struct delimiter){.open = (size_t)(best - m->open), .close = is_close(s, best)};
    return best != NULL;
}

/* The current line is done; the next one begins at next. */
static void line_done(struct mime *m, uint64_t next, unsigned line_end_n)
{
    m->line_at = next;
    m->line_end_n = line_end_n;
    m->line_ends += line_end_n > 0;
    m->line_plain = false;
    m->line_n = 0;
}

/* The current line is a delimiter and ends at next. */
static void delimiter_take(struct mime *m, struct delimiter d, uint64_t next, unsigned line_end_n)
{
    while (m->in_header) /* twice where a message in a message has no header either */
        header_end(m, m->line_at);
    uint32_t multipart = m->open[d.open].part;
    uint64_t ended_at = 0;
    for (uint32_t i = m->current; i != multipart; i = m->parts[i].row.parent)
        ended_at = part_end(m, i, ended_at);
    m->current = multipart;
    m->measures = false;
    m->open_n = d.close ? d.open : d.open + 1;
    line_done(m, next, line_end_n);
    if (!d.close && line_end_n > 0) /* the last line of the message begins nothing */
        part_begin(m, multipart, ++m->open[d.open].children, next);
}

/* --- bytes --------------------------------------------------------------------------------------------------------- */

/* Bytes of the line end whose LF is at index i of the piece. */
static unsigned line_end_at(const struct mime *m, size_t i)
{
    return (i > 0 ? m->piece.p[i - 1] == '\r' : m->ends_in_cr) ? 2 : 1;
}

static void header_line(struct mime *m, struct span line, uint64_t next, unsigned line_end_n)
{
    struct delimiter d;
    if (!m->gather.cut && delimiter_find(m, line, &d)) {
        delimiter_take(m, d, next, line_end_n);
    } else if (line.n == 0) {
        line_done(m, next, line_end_n);
        header_end(m, next);
    } else {
        gather_take(&m->gather, line);
        line_done(m, next, line_end_n);
    }
}

/* Reads on at index i of the piece; returns up to where. */
static size_t feed_header(struct mime *m, size_t i)
{
    struct span rest = span_from(m->piece, i);
    size_t n = span_find(rest, '\n');
    if (n == rest.n) {
        gather_piece(&m->gather, rest);
        return m->piece.n;
    }
    unsigned line_end_n = line_end_at(m, i + n);
    header_line(m, gather_line(&m->gather, span_to(rest, n)), m->piece_at + i + n + 1, line_end_n);
    return i + n + 1;
}

/* Goes over lines that are no boundary, up to one that may be. */
static size_t feed_plain(struct mime *m, size_t i)
{
    const char *p = m->piece.p, *end = p + m->piece.n, *at = p + i, *lf;
    uint64_t line_ends = 0;
    while (at < end && (lf = memchr(at, '\n', (size_t)(end - at)))) {
        line_ends++;
        at = lf + 1;
        if (at == end || (*at == '-' && m->open_n > 0))
            break;
    }
    if (line_ends == 0) {
        m->line_plain = true;
        return m->piece.n;
    }
    m->line_ends += line_ends - 1;
    line_done(m, m->piece_at + (size_t)(at - p), line_end_at(m, (size_t)(at - p) - 1));
    return (size_t)(at - p);
}

/* At the begin of a line, or in one that may be a boundary. */
static size_t feed_candidate(struct mime *m, size_t i)
{
    struct delimiter d;
    struct span rest = span_from(m->piece, i);
    size_t n = span_find(rest, '\n');
    bool fits = m->line_n + n <= LINE_BYTES;
    if (fits && n > 0) {
        memcpy(m->line + m->line_n, rest.p, n);
        m->line_n += n;
    }
    struct span line = span_of(m->line, m->line_n);
    if (!fits || (line.n > 0 && line.p[0] != '-') || (line.n > 1 && line.p[1] != '-')) {
        m->line_plain = true;
        return i;
    }
    if (n == rest.n)
        return m->piece.n;
    unsigned line_end_n = line_end_at(m, i + n);
    if (line.n > 0 && line_end_n == 2)
        line.n--;
    if (!delimiter_find(m, line, &d)) {
        m->line_plain = true;
        return i;
    }
    delimiter_take(m, d, m->piece_at + i + n + 1, line_end_n);
    return i + n + 1;
}

void mime_feed(struct mime *m, struct span piece)
{
    if (piece.n == 0)
        return;
    m->piece = piece;
    for (size_t i = 0; i < piece.n;) {
        if (m->in_header)
            i = feed_header(m, i);
        else if (m->line_plain || m->open_n == 0 || (m->line_n == 0 && piece.p[i] != '-'))
            i = feed_plain(m, i);
        else
            i = feed_candidate(m, i);
    }
    hold_back(m);
    m->ends_in_cr = piece.p[piece.n - 1] == '\r';
    m->piece_at += piece.n;
}

void mime_end(struct mime *m, struct mime_message *out)
{
    uint64_t end = m->piece_at;
    struct delimiter d;
    m->piece = (struct span){"", 0};
    if (m->line_at < end && m->in_header) { /* a last line without a line end */
        struct span line = gather_line(&m->gather, m->piece);
        if (line.n > 0)
            header_line(m, line, end, 0);
    } else if (m->line_n > 0 && !m->line_plain &&
               delimiter_find(m, span_of(m->line, m->line_n - m->ends_in_cr), &d)) {
        delimiter_take(m, d, end, 0);
    }
    while (m->in_header)
        header_end(m, end);
    m->line_at = end;
    m->line_end_n = 0;
    for (uint32_t i = m->current;; i = m->parts[i].row.parent) {
        part_end(m, i, end);
        if (i == 0)
            break;
    }
    *out = (struct mime_message){.parts = m->parts,
                                 .n = m->parts_n,
                                 .dated = m->dated,
                                 .sent = m->sent,
                                 .subject = m->subject,
                                 .digest = m->digest,
                                 .preview = preview_text(&m->preview),
                                 .too_large = m->too_large};
}

struct mime *mime_new(const struct outline_limits *limits)
{
    struct mime *m = mem_new(struct mime);
    m->limits = *limits;
    m->kept = arena_new();
    m->scratch = arena_new();
    m->text_left = OUTLINE_RECORD_MAX;
    buf_init(&m->text, OUTLINE_RECORD_MAX);
    gather_init(&m->gather, limits->field_bytes, limits->header_bytes);
    preview_init(&m->preview);
    part_begin(m, 0, 1, 0);
    return m;
}

void mime_free(struct mime **m)
{
    if (!*m)
        return;
    arena_free(&(*m)->kept);
    arena_free(&(*m)->scratch);
    buf_fini(&(*m)->text);
    gather_fini(&(*m)->gather);
    preview_fini(&(*m)->preview);
    mem_free((*m)->parts);
    mem_free((*m)->open);
    mem_free(*m);
    *m = NULL;
}
