#include "imapd/imap_search.h"
#include "message/fold.h"
#include "message/header.h"
#include "store/blob.h"

/* Room: BODY and TEXT: the text parts of a message, with transfer encoding and charset removed
 * and case folded, searched for a key. A key that crosses two chunks is found because the end of
 * the folded text is kept in front of the next. The headers of embedded messages are part of the
 * body; those of the message itself and of its parts belong to TEXT alone (RFC 9051 §6.4.4). */

#define READ_BYTES (64u << 10)
#define TEXT_BYTES (1u << 20) /* of one read, decoded, converted and folded */
#define HEADER_BYTES (1u << 20)
#define SUBJECT_BYTES 900 /* a longer one may have been cut in the outline */

void imap_search_scan_init(struct search_scan *s)
{
    *s = (struct search_scan){0};
    buf_init(&s->raw, READ_BYTES);
    buf_init(&s->decoded, TEXT_BYTES);
    buf_init(&s->utf8, TEXT_BYTES);
    buf_init(&s->folded, 4 * TEXT_BYTES);
}

void imap_search_scan_fini(struct search_scan *s)
{
    charset_free(&s->charset);
    buf_fini(&s->raw);
    buf_fini(&s->decoded);
    buf_fini(&s->utf8);
    buf_fini(&s->folded);
}

void imap_search_scan_begin(struct search_scan *s, const struct search_key *key)
{
    charset_free(&s->charset);
    s->running = true;
    s->key = key;
    s->part = 0;
    s->in_part = s->hit = false;
}

/* The header block of a part: part 0's is the message's own (TEXT); a hidden part inside a
 * message/rfc822 part carries that message's. */
static bool look_at_header(struct search_scan *s, struct search_message *m,
                           const struct outline_part *p)
{
    uint64_t n = p->body_at - p->header_at;
    if (n == 0)
        return false;
    buf_reset(&s->raw);
    struct buf block;
    buf_init(&block, HEADER_BYTES);
    m->err = blob_read(m->t, m->msg->blob, p->header_at,
                       n < HEADER_BYTES ? (size_t)n : HEADER_BYTES, &block, &m->fault);
    bool hit = m->err == ERR_OK &&
               imap_search_match_field(m->arena, buf_span(&block), SPAN(""), s->key->text);
    buf_fini(&block);
    return hit;
}

static bool is_embedded(struct search_message *m, const struct outline_part *p, uint32_t index)
{
    struct outline_part parent;
    return index > 0 && outline_part(&m->outline, p->parent, &parent) &&
           parent.kind == OUTLINE_MESSAGE;
}

/* Goes to the next part that can hold the key. */
static void next_part(struct search_scan *s, struct search_message *m)
{
    struct outline_part p;
    uint32_t index = s->part++;
    if (!outline_part(&m->outline, index, &p)) {
        m->err = fault_set(&m->fault, ERR_CORRUPT, "outline of body %llu",
                           (unsigned long long)m->msg->blob);
        return;
    }
    if ((s->key->kind == SEARCH_TEXT || is_embedded(m, &p, index)) && look_at_header(s, m, &p)) {
        s->hit = true;
        return;
    }
    if (p.kind != OUTLINE_LEAF || (p.type.n > 0 && !span_eq(p.type, SPAN("text"))) ||
        p.end_at == p.body_at)
        return;
    s->in_part = true;
    s->at = p.body_at;
    s->end = p.end_at;
    s->decoder = ENCODE_DECODER(p.encoding);
    charset_free(&s->charset);
    s->charset =
        charset_new(p.charset.n > 0 && charset_known(p.charset) ? p.charset : SPAN("utf-8"));
    buf_reset(&s->folded);
}

static void look_at_chunk(struct search_scan *s, struct search_message *m)
{
    uint64_t left = s->end - s->at;
    size_t n = left < READ_BYTES ? (size_t)left : READ_BYTES;
    buf_reset(&s->raw);
    buf_reset(&s->decoded);
    buf_reset(&s->utf8);
    m->err = blob_read(m->t, m->msg->blob, s->at, n, &s->raw, &m->fault);
    if (m->err != ERR_OK)
        return;
    s->at += n;
    bool last = s->at == s->end;
    encode_decode(&s->decoder, buf_span(&s->raw), last, &s->decoded);
    if (s->charset)
        charset_convert(s->charset, buf_span(&s->decoded), last, &s->utf8);
    fold_text(buf_span(&s->utf8), &s->folded);
    s->hit = fold_find(buf_span(&s->folded), s->key->text);
    size_t keep = s->key->text.n > 0 ? s->key->text.n - 1 : 0;
    if (s->folded.n > keep)
        buf_eat(&s->folded, s->folded.n - keep);
    s->in_part = !last;
}

/* The subject stands in the outline, unless it was cut: then the body need not be read. */
static bool is_told_subject(const struct search_key *key, struct search_message *m)
{
    return key->text.n > 0 && span_eq_ci(key->name, SPAN("Subject")) &&
           imap_search_match_outline(m) && m->outline.subject.n > 0 &&
           m->outline.subject.n < SUBJECT_BYTES;
}

static enum search_answer look_at_fields(struct search_scan *s, struct search_message *m)
{
    s->running = false;
    if (is_told_subject(s->key, m))
        return fold_find(fold_key(m->arena, m->outline.subject), s->key->text) ? SEARCH_YES
                                                                               : SEARCH_NO;
    return imap_search_match_header(m) && imap_search_match_field(m->arena, buf_span(&m->header),
                                                                  s->key->name, s->key->text)
               ? SEARCH_YES
               : SEARCH_NO;
}

enum search_answer imap_search_scan_more(struct search_scan *s, struct search_message *m)
{
    if (s->key->kind == SEARCH_HEADER)
        return look_at_fields(s, m);
    if (s->key->text.n == 0) { /* every message holds the empty text */
        s->running = false;
        return SEARCH_YES;
    }
    if (!imap_search_match_outline(m))
        return SEARCH_NO;
    if (s->in_part)
        look_at_chunk(s, m);
    else if (s->part < m->outline.parts)
        next_part(s, m);
    else
        s->running = false;
    if (m->err != ERR_OK || s->hit)
        s->running = false;
    return s->running ? SEARCH_NEEDS_SCAN : s->hit && m->err == ERR_OK ? SEARCH_YES : SEARCH_NO;
}
