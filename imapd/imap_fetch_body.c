#include "imapd/imap_fetch.h"
#include "common/log.h"
#include "message/header.h"
#include "message/header_keep.h"
#include "store/blob.h"

/* Room: BODY[...] and BINARY[...]: which bytes of the message they are, and the bytes
 * themselves. */

#define HEADER_BYTES (1u << 20) /* of one header block that HEADER.FIELDS looks through */

/* [at, end) of the message. False: there is no such section: NIL. */
struct range {
    uint64_t at, end;
};

/* The message that HEADER, FIELDS and TEXT speak of: the message itself, or the one inside a
 * message/rfc822 part. */
static bool inner_message(const struct outline *o, const struct fetch_item *item,
                          struct outline_part *out)
{
    uint32_t index = 0;
    if (item->number_count > 0 && (!outline_section(o, item->numbers, item->number_count, &index) ||
                                   !outline_message(o, index, &index)))
        return false;
    return outline_part(o, index, out);
}

static bool find_range(const struct msg *m, const struct outline *o, const struct fetch_item *item,
                       struct range *out)
{
    struct outline_part p;
    uint32_t index;
    if (item->text == FETCH_WHOLE && item->number_count == 0) {
        *out = (struct range){0, m->bytes};
        return true;
    }
    switch (item->text) {
    case FETCH_HEADER:
    case FETCH_FIELDS:
    case FETCH_FIELDS_NOT:
        if (!inner_message(o, item, &p))
            return false;
        *out = (struct range){p.header_at, p.body_at};
        return true;
    case FETCH_TEXT:
        if (!inner_message(o, item, &p))
            return false;
        *out = (struct range){p.body_at, p.end_at};
        return true;
    case FETCH_WHOLE:
    case FETCH_MIME:
        if (!outline_section(o, item->numbers, item->number_count, &index) ||
            !outline_part(o, index, &p))
            return false;
        *out = item->text == FETCH_MIME ? (struct range){p.header_at, p.body_at}
                                        : (struct range){p.body_at, p.end_at};
        return true;
    }
    return false;
}

static bool listed(const struct fetch_item *item, struct span name)
{
    for (size_t i = 0; i < item->field_count; i++)
        if (span_eq_ci(item->fields[i], name))
            return true;
    return false;
}

/* The record has the fields that the item names, if the message has them. */
static bool are_kept(const struct outline *o, const struct fetch_item *item)
{
    bool kept = item->number_count == 0 && item->text == FETCH_FIELDS && o->fields_kept;
    for (size_t i = 0; kept && i < item->field_count; i++)
        kept = header_keep(item->fields[i]);
    return kept;
}

/* "The subset returned contains only those header fields" and always the empty line: RFC 9051
 * §6.4.5.1 */
static void chosen_fields(const struct fetch_item *item, struct span header, struct buf *out)
{
    struct buf kept;
    struct header_field field;
    buf_init(&kept, header.n + 2);
    buf_room(&kept, header.n + 2);
    while (header_next(&header, &field))
        if (listed(item, field.name) == (item->text == FETCH_FIELDS))
            buf_add(&kept, field.raw);
    buf_addz(&kept, "\r\n");
    struct span value = buf_span(&kept);
    if (item->partial) {
        value = span_from(value, item->from < value.n ? (size_t)item->from : value.n);
        value = span_to(value, item->max_bytes < value.n ? (size_t)item->max_bytes : value.n);
    }
    buf_addz(out, " {");
    buf_u64(out, value.n);
    buf_addz(out, "}\r\n");
    buf_add(out, value);
    buf_fini(&kept);
}

static enum err header_fields(struct txn *t, const struct msg *m, const struct fetch_item *item,
                              struct range r, struct buf *out, struct fault *f)
{
    struct buf block;
    buf_init(&block, HEADER_BYTES);
    size_t n = r.end - r.at < HEADER_BYTES ? (size_t)(r.end - r.at) : HEADER_BYTES;
    enum err e = blob_read(t, m->blob, r.at, n, &block, f);
    if (e == ERR_OK)
        chosen_fields(item, buf_span(&block), out);
    buf_fini(&block);
    return e;
}

static uint64_t part_bytes(const struct fetch_item *item, uint64_t have)
{
    if (!item->partial)
        return have;
    uint64_t left = item->from < have ? have - item->from : 0;
    return item->max_bytes < left ? item->max_bytes : left;
}

/* BINARY and BINARY.SIZE, RFC 9051 §6.4.5: a part with its transfer encoding removed. Without a
 * number: the whole message as it is. */
static enum err binary(const struct outline *o, const struct fetch_item *item, struct buf *out,
                       struct fetch_bytes *bytes, bool *follow, struct fault *f)
{
    struct outline_part p;
    uint32_t index = 0;
    if (!outline_section(o, item->numbers, item->number_count, &index) ||
        !outline_part(o, index, &p)) {
        buf_addz(out, item->kind == FETCH_BINARY_SIZE ? " 0" : " NIL");
        return ERR_OK;
    }
    bool whole = item->number_count == 0;
    if (!whole && p.encoding == ENCODE_UNKNOWN)
        return fault_set(f, ERR_INVALID, "unknown transfer encoding");
    bool decode = !whole && (p.encoding == ENCODE_BASE64 || p.encoding == ENCODE_QP);
    uint64_t at = whole ? 0 : p.body_at, end = whole ? o->bytes : p.end_at;
    uint64_t have = decode ? p.decoded_bytes : end - at;
    if (item->kind == FETCH_BINARY_SIZE) {
        buf_addf(out, " %llu", (unsigned long long)have);
        return ERR_OK;
    }
    uint64_t n = part_bytes(item, have);
    buf_addf(out, " ~{%llu}\r\n", (unsigned long long)n);
    *follow = n > 0;
    *bytes = decode ? (struct fetch_bytes){at,
                                           end,
                                           ENCODE_DECODER(p.encoding),
                                           item->partial ? item->from : 0,
                                           n,
                                           true}
                    : (struct fetch_bytes){.at = at + (item->partial ? item->from : 0)};
    if (!decode)
        bytes->end = bytes->at + n;
    return ERR_OK;
}

enum err imap_fetch_body(struct txn *t, const struct msg *m, const struct outline *o,
                         const struct fetch_item *item, struct buf *out, struct fetch_bytes *bytes,
                         bool *follow, struct fault *f)
{
    *follow = false;
    buf_add(out, item->label);
    if (item->kind != FETCH_SECTION)
        return binary(o, item, out, bytes, follow, f);
    if (are_kept(o, item)) {
        chosen_fields(item, o->fields, out);
        return ERR_OK;
    }
    struct range r;
    if (!find_range(m, o, item, &r)) {
        buf_addz(out, " NIL");
        return ERR_OK;
    }
    if (item->text == FETCH_FIELDS || item->text == FETCH_FIELDS_NOT)
        return header_fields(t, m, item, r, out, f);
    uint64_t n = part_bytes(item, r.end - r.at);
    buf_addf(out, " {%llu}\r\n", (unsigned long long)n);
    *bytes = (struct fetch_bytes){.at = r.at + (item->partial && n > 0 ? item->from : 0)};
    bytes->end = bytes->at + n;
    *follow = n > 0;
    return ERR_OK;
}

/* What the outline counted and what is decoded now are the same by construction; a literal's
 * length must hold whatever happens. */
static void send_decoded(struct fetch_bytes *b, struct span got, bool last, struct buf *out)
{
    size_t skip = b->skip < got.n ? (size_t)b->skip : got.n;
    b->skip -= skip;
    got = span_from(got, skip);
    got = span_to(got, b->left < got.n ? (size_t)b->left : got.n);
    buf_add(out, got);
    b->left -= got.n;
    for (; last && b->left > 0; b->left--)
        buf_byte(out, ' ');
    if (b->left == 0)
        b->at = b->end;
}

enum err imap_fetch_body_more(struct txn *t, uint64_t blob, struct fetch_bytes *b, struct buf *out,
                              struct fault *f)
{
    uint64_t left = b->end - b->at;
    size_t n = left < BLOB_CHUNK_BYTES ? (size_t)left
                                       : BLOB_CHUNK_BYTES - (size_t)(b->at % BLOB_CHUNK_BYTES);
    if (!b->decode) {
        size_t before = out->n;
        enum err e = blob_read(t, blob, b->at, n, out, f);
        if (e == ERR_OK && out->n - before != n)
            e = fault_set(f, ERR_CORRUPT, "body %llu is shorter than its row says",
                          (unsigned long long)blob);
        b->at += n;
        return e;
    }
    struct buf raw, decoded;
    buf_init(&raw, BLOB_CHUNK_BYTES);
    buf_init(&decoded, 2 * BLOB_CHUNK_BYTES);
    enum err e = blob_read(t, blob, b->at, n, &raw, f);
    if (e == ERR_OK) {
        b->at += n;
        encode_decode(&b->decoder, buf_span(&raw), b->at == b->end, &decoded);
        send_decoded(b, buf_span(&decoded), b->at == b->end, out);
    }
    buf_fini(&raw);
    buf_fini(&decoded);
    return e;
}
