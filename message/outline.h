#pragma once /* message/outline.h: where everything in a message lies, found while the bytes stream by */
#include "common/arena.h"
#include "common/buf.h"
#include "message/date.h"
#include "message/encode.h"

/* --- making one --------------------------------------------------------------------------------------------------
 * Feed a message in pieces of any size; memory stays bounded by the headers (limits below), never by the body.
 * Never refuses a message: beyond a limit a part is opaque application/octet-stream (depth, parts) or the rest of the
 * header is left uninterpreted. The same bytes in any pieces give the same record. Not thread-safe; no globals. */
struct outline_parser;

struct outline_limits {
    unsigned depth_count;   /* nesting of parts; 100 */
    unsigned part_count;    /* parts of a message; 10,000 */
    size_t field_bytes;     /* one header field that is looked into; 256 KiB */
    size_t header_bytes;    /* all headers of a message that are looked into; 2 MiB */
    unsigned address_count; /* addresses of one field that ENVELOPE shows; 1,000 */
};
extern const struct outline_limits outline_limits_default;

struct outline_parser *outline_new(const struct outline_limits *limits);
void outline_feed(struct outline_parser *p, struct span piece);
/* Ends the message and appends its record to out (at most OUTLINE_RECORD_MAX bytes: what would not fit is cut down to
 * a record of one opaque part; if not even that fits out, out is full and has nothing of it). Call once. */
#define OUTLINE_RECORD_MAX (16u << 20)
void outline_end(struct outline_parser *p, struct buf *out);
void outline_free(struct outline_parser **p); /* NULL is fine */

/* --- reading one -------------------------------------------------------------------------------------------------
 * A record is a flat little-endian byte string; outline.c opens with its layout as offset / size / meaning. */
struct outline {
    struct span record;
    uint64_t bytes;        /* of the whole message */
    uint64_t header_bytes; /* of its header with the empty line that ends it */
    bool dated;            /* it has a Date that can be read: */
    struct date sent;
    uint32_t parts; /* number of parts, in document order; part 0 is the message itself */
    /* Ready for the wire, RFC 9051 §7.5.2, with 8-bit strings as literals; bodystructure with extension data. */
    struct span envelope, bodystructure;
    bool
        fields_kept; /* the message's own header fields for which header_keep holds are all here, as they came: */
    struct span fields;
    struct span subject; /* decoded to UTF-8, unfolded; cut at 1,000 bytes */
    struct span digest;  /* a record for digest_open, message/digest.h */
    struct span preview; /* UTF-8, at most 200 characters, maybe empty: RFC 8970 */
};
/* False: not a record of ours (disk damage). record is borrowed. */
bool outline_open(struct span record, struct outline *out);
/* BODY, that is BODYSTRUCTURE without extension data, in a. */
struct span outline_body(const struct outline *o, struct arena *a);

enum outline_kind {
    OUTLINE_LEAF,
    OUTLINE_MULTIPART,
    OUTLINE_MESSAGE /* message/rfc822 or /global with a message in it */
};

/* Offsets count from the first byte of the message. [header_at, body_at) is the MIME header of the part with its empty
 * line (for part 0: the message header); [body_at, end_at) its body, without the line end before the next boundary. */
struct outline_part {
    enum outline_kind kind;
    uint32_t parent; /* index; part 0 is its own parent */
    uint32_t number; /* 1.. among the children of parent, as section numbers count */
    uint64_t header_at, body_at, end_at;
    uint64_t decoded_bytes; /* of the body when decoded: BINARY.SIZE, RFC 9051 §6.4.5 */
    uint64_t lines;         /* line ends in the body as it stands */
    enum encode_kind encoding;
    struct span type, subtype, charset; /* lower case; charset empty if absent */
    bool attachment;                    /* Content-Disposition: attachment */
};
/* i < o->parts. False: record damaged. */
bool outline_part(const struct outline *o, uint32_t i, struct outline_part *out);
/* The part that a section number names ("1.2.3" as {1,2,3}), RFC 9051 §6.4.5.1: numbers pass through multiparts, and a
 * message/rfc822 part's numbers go on with its own body's. {1} of a message that is not multipart is the message's own body.
 * For n = 0 it is part 0. The part index in *index_out; false if there is no such part.
 * A part of kind OUTLINE_MESSAGE holds a message, and that has a hidden part of its own, the one with the next index: its
 * header_at..body_at is the embedded message's header (HEADER), its body_at..end_at its TEXT. To the embedded message it is
 * what part 0 is to the whole: the parts of a multipart hang under it, and if it is none it is itself that message's {1}.
 * outline_message finds it; false if index is no OUTLINE_MESSAGE. outline.c shows an example. */
bool outline_section(const struct outline *o, const uint32_t *numbers, size_t n,
                     uint32_t *index_out);
bool outline_message(const struct outline *o, uint32_t index, uint32_t *inner_out);
