#include "store/body_text.h"
#include "common/log.h"
#include "message/fold.h"
#include "message/header.h"
#include "message/words.h"

#include <inttypes.h>

/* Room: what searching looks at. A chunk of the body is unpacked once: the parts that lie in it are cut out of the window. */

#define STEP_BYTES BLOB_CHUNK_BYTES
#define PART_COST_BYTES 64 /* looking at a part counts as so many */
/* A byte that means nothing becomes three, a character of three at most 33 (message/fold.c). */
#define DECODED_BYTES (2u * BLOB_CHUNK_BYTES)
#define UTF8_BYTES (4u * DECODED_BYTES)
#define FOLDED_BYTES (16u << 20)

void body_text_init(struct body_text *b)
{
    *b = (struct body_text){.arena = arena_new()};
    buf_init(&b->record, OUTLINE_RECORD_MAX);
    buf_init(&b->window, BLOB_CHUNK_BYTES);
    buf_init(&b->header, BODY_TEXT_HEADER_BYTES);
    buf_init(&b->decoded, DECODED_BYTES);
    buf_init(&b->utf8, UTF8_BYTES);
    buf_init(&b->folded, FOLDED_BYTES);
}

void body_text_fini(struct body_text *b)
{
    outline_free(&b->parser);
    charset_free(&b->charset);
    buf_fini(&b->record);
    buf_fini(&b->window);
    buf_fini(&b->header);
    buf_fini(&b->decoded);
    buf_fini(&b->utf8);
    buf_fini(&b->folded);
    arena_free(&b->arena);
}

void body_text_begin(struct body_text *b, uint64_t blob, unsigned what, size_t overlap)
{
    b->what = what;
    b->overlap = overlap;
    b->part = 0;
    b->fields = SPAN("");
    buf_reset(&b->folded);
    outline_free(&b->parser);
    if (b->blob == blob && b->state > BODY_TEXT_PARSES) {
        b->state = BODY_TEXT_SEEKS; /* its outline and perhaps its window are here */
        return;
    }
    b->blob = blob;
    b->state = BODY_TEXT_OPENS;
    b->parsed = false;
    buf_reset(&b->window);
}

/* --- the outline --- */

static enum err damaged(uint64_t blob, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "outline of body %" PRIu64 " is damaged", blob);
}

static void log_damaged(uint64_t blob)
{
    log_event(LOG_ERROR, NULL, "store.outline_damaged", "body=%" PRIu64, blob);
}

static enum err stored(struct txn *t, uint64_t blob, struct buf *record, struct outline *out,
                       struct fault *f)
{
    enum err e = blob_outline(t, blob, record, f);
    return e == ERR_OK && !outline_open(buf_span(record), out) ? damaged(blob, f) : e;
}

enum err body_text_outline(struct txn *t, uint64_t blob, struct buf *record, struct outline *out,
                           struct fault *f)
{
    struct buf bytes;
    enum err e = stored(t, blob, record, out, f);
    if (e != ERR_CORRUPT)
        return e;
    log_damaged(blob);
    buf_init(&bytes, BODY_TEXT_HEADER_BYTES);
    e = blob_read(t, blob, 0, BODY_TEXT_HEADER_BYTES, &bytes, f);
    if (e == ERR_OK) {
        struct outline_parser *parser = outline_new(&outline_limits_default);
        outline_feed(parser, buf_span(&bytes));
        buf_reset(record);
        outline_end(parser, record);
        outline_free(&parser);
        e = outline_open(buf_span(record), out) ? ERR_OK : damaged(blob, f);
    }
    buf_fini(&bytes);
    return e;
}

static enum err open_body(struct body_text *b, struct txn *t, struct fault *f)
{
    enum err e = stored(t, b->blob, &b->record, &b->outline, f);
    if (e == ERR_OK)
        b->state = BODY_TEXT_SEEKS;
    return e;
}

static void begin_parsing(struct body_text *b)
{
    log_damaged(b->blob);
    b->parsed = true;
    b->parser = outline_new(&outline_limits_default);
    b->state = BODY_TEXT_PARSES;
    b->part = 0;
    b->window_at = 0;
    b->fields = SPAN("");
    buf_reset(&b->window);
}

static enum err parse_on(struct body_text *b, struct txn *t, size_t *spent, struct fault *f)
{
    b->window_at += b->window.n;
    buf_reset(&b->window);
    enum err e = blob_read(t, b->blob, b->window_at, BLOB_CHUNK_BYTES, &b->window, f);
    if (e != ERR_OK) {
        buf_reset(&b->window);
        return e;
    }
    *spent += b->window.n;
    outline_feed(b->parser, buf_span(&b->window));
    if (b->window.n > 0)
        return ERR_OK;
    buf_reset(&b->record);
    outline_end(b->parser, &b->record);
    outline_free(&b->parser);
    b->state = BODY_TEXT_SEEKS;
    return outline_open(buf_span(&b->record), &b->outline) ? ERR_OK : damaged(b->blob, f);
}

/* --- the bytes --- */

/* The bytes from b->at on, as many of them up to b->end as lie in one chunk; steps over them. */
static enum err read_on(struct body_text *b, struct txn *t, struct span *out, struct fault *f)
{
    if (b->window.n == 0 || b->at < b->window_at || b->at >= b->window_at + b->window.n) {
        b->window_at = b->at - b->at % BLOB_CHUNK_BYTES;
        buf_reset(&b->window);
        enum err e = blob_read(t, b->blob, b->window_at, BLOB_CHUNK_BYTES, &b->window, f);
        if (e != ERR_OK) {
            buf_reset(&b->window);
            return e;
        }
    }
    uint64_t limit = b->window_at + b->window.n;
    if (b->at >= limit)
        return fault_set(f, ERR_CORRUPT, "body %" PRIu64 " is shorter than its outline", b->blob);
    uint64_t end = b->end < limit ? b->end : limit;
    *out = span_of(b->window.p + (b->at - b->window_at), (size_t)(end - b->at));
    b->at = end;
    return ERR_OK;
}

/* --- fields --- */

/* "name: value" of the next field. */
static size_t look_at_field(struct body_text *b)
{
    struct header_field field;
    if (!header_next(&b->fields, &field)) {
        b->fields = SPAN("");
        return 0;
    }
    arena_reset(b->arena);
    (void)buf_byte(&b->folded, BODY_TEXT_DIVIDER);
    (void)fold_text(field.name, &b->folded);
    (void)buf_addz(&b->folded, ": ");
    (void)fold_text(words_decode(b->arena, header_unfold(b->arena, field.value)), &b->folded);
    return field.raw.n;
}

/* --- parts --- */

static bool is_text(const struct outline_part *p)
{
    return p->kind == OUTLINE_LEAF && (p->type.n == 0 || span_eq(p->type, SPAN("text"))) &&
           p->end_at > p->body_at;
}

/* Whether the header of the part is asked for. A hidden part inside a message/rfc822 part carries that message's. */
static bool wants_header(const struct body_text *b, const struct outline_part *p, uint32_t index)
{
    struct outline_part parent;
    if (p->body_at <= p->header_at)
        return false;
    if (index == 0)
        return (b->what & BODY_TEXT_HEADER) != 0;
    bool embedded = outline_part(&b->outline, p->parent, &parent) && parent.kind == OUTLINE_MESSAGE;
    return (b->what & (embedded ? BODY_TEXT_BODY : BODY_TEXT_PARTS)) != 0;
}

/* Behind the header of b->beginning: its body, if that is text and asked for. */
static void enter_part(struct body_text *b)
{
    const struct outline_part *p = &b->beginning;
    b->state = BODY_TEXT_SEEKS;
    if (!(b->what & BODY_TEXT_BODY) || !is_text(p))
        return;
    b->state = BODY_TEXT_IN_PART;
    b->at = p->body_at;
    b->end = p->end_at;
    b->decoder = ENCODE_DECODER(p->encoding);
    charset_free(&b->charset);
    b->charset = p->charset.n > 0 ? charset_new(p->charset) : NULL;
    if (!b->charset)
        b->charset = charset_new(SPAN("utf-8"));
    b->begins = true;
}

/* Goes to the next part. */
static enum err next_part(struct body_text *b, size_t *spent, struct fault *f)
{
    *spent += PART_COST_BYTES;
    uint32_t index = b->part++;
    if (!outline_part(&b->outline, index, &b->beginning))
        return damaged(b->blob, f);
    if (!wants_header(b, &b->beginning, index)) {
        enter_part(b);
        return ERR_OK;
    }
    b->state = BODY_TEXT_READS_HEADER;
    b->at = b->beginning.header_at;
    b->end = b->beginning.body_at;
    if (b->end - b->at > BODY_TEXT_HEADER_BYTES)
        b->end = b->at + BODY_TEXT_HEADER_BYTES;
    buf_reset(&b->header);
    return ERR_OK;
}

static enum err read_header(struct body_text *b, struct txn *t, size_t *spent, struct fault *f)
{
    struct span piece;
    enum err e = read_on(b, t, &piece, f);
    if (e != ERR_OK)
        return e;
    (void)buf_add(&b->header, piece);
    *spent += piece.n;
    if (b->at == b->end) {
        b->fields = buf_span(&b->header);
        enter_part(b);
    }
    return ERR_OK;
}

static enum err look_at_text(struct body_text *b, struct txn *t, size_t *spent, struct fault *f)
{
    struct span piece;
    enum err e = read_on(b, t, &piece, f);
    if (e != ERR_OK)
        return e;
    bool last = b->at == b->end;
    *spent += piece.n;
    if (b->begins)
        (void)buf_byte(&b->folded, BODY_TEXT_DIVIDER);
    b->begins = false;
    buf_reset(&b->decoded);
    buf_reset(&b->utf8);
    (void)encode_decode(&b->decoder, piece, last, &b->decoded);
    (void)charset_convert(b->charset, buf_span(&b->decoded), last, &b->utf8);
    (void)fold_text(buf_span(&b->utf8), &b->folded);
    if (last)
        b->state = BODY_TEXT_SEEKS;
    return ERR_OK;
}

/* --- */

/* *ended: there is nothing more to do. */
static enum err go_on(struct body_text *b, struct txn *t, size_t *spent, bool *ended,
                      struct fault *f)
{
    if (b->fields.n > 0) {
        *spent += look_at_field(b);
        return ERR_OK;
    }
    switch (b->state) {
    case BODY_TEXT_OPENS:
        return open_body(b, t, f);
    case BODY_TEXT_PARSES:
        return parse_on(b, t, spent, f);
    case BODY_TEXT_READS_HEADER:
        return read_header(b, t, spent, f);
    case BODY_TEXT_IN_PART:
        return look_at_text(b, t, spent, f);
    case BODY_TEXT_SEEKS:
        break;
    }
    *ended = b->part == b->outline.parts;
    return *ended ? ERR_OK : next_part(b, spent, f);
}

enum err body_text_step(struct body_text *b, struct txn *t, struct span *piece_out, bool *more_out,
                        struct fault *f)
{
    size_t spent = 0;
    bool ended = false;
    *piece_out = SPAN("");
    *more_out = false;
    if (b->folded.n > b->overlap)
        buf_eat(&b->folded, b->folded.n - b->overlap);
    while (!ended && spent < STEP_BYTES) {
        enum err e = go_on(b, t, &spent, &ended, f);
        if (e == ERR_CORRUPT && !b->parsed)
            begin_parsing(b);
        else if (e != ERR_OK)
            return e;
    }
    *piece_out = buf_span(&b->folded);
    *more_out = !ended;
    return ERR_OK;
}
