#pragma once /* store/body_text.h: the text of a stored message as searching sees it: decoded, UTF-8, folded */
#include "common/arena.h"
#include "common/buf.h"
#include "message/charset.h"
#include "message/encode.h"
#include "message/outline.h"
#include "store/blob.h"

/* In bounded steps, so that neither a large message nor many keys hold a loop. The text comes in runs:
 * - of the header: each field of the message's header as "name: value", unfolded and with encoded words decoded;
 * - of the body: each part of type text, attachments too, without transfer encoding and charset (an unknown charset is
 *   read as UTF-8; HTML as it stands); the fields of embedded messages, which are body (RFC 9051 §6.4.4);
 * - of the parts, for TEXT: the fields of their headers.
 * All is folded with fold_text. Before each run stands a byte BODY_TEXT_DIVIDER, which no folded text has, so that a
 * needle is never found across two runs, and a piece can be handed to fold_find as it is. A header block is read up to
 * BODY_TEXT_HEADER_BYTES.
 * The index (store/index.h) is made from exactly this text, and so should be the verification of what it finds. */
enum body_text_what {
    BODY_TEXT_HEADER = 1,
    BODY_TEXT_BODY = 2,
    BODY_TEXT_PARTS = 4,
    BODY_TEXT_ALL = 7
};

#define BODY_TEXT_DIVIDER '\xff'
#define BODY_TEXT_HEADER_BYTES (1u << 20)

struct body_text {
    uint64_t blob; /* private from here */
    unsigned what;
    size_t overlap;
    struct arena *arena;
    struct buf record;
    struct outline outline;
    uint32_t part; /* the next to be looked at */
    enum {
        BODY_TEXT_OPENS,
        BODY_TEXT_PARSES,
        BODY_TEXT_SEEKS,
        BODY_TEXT_READS_HEADER,
        BODY_TEXT_IN_PART
    } state;
    struct outline_parser *parser; /* while it parses */
    bool parsed;                   /* the stored outline is damaged: this one was made anew */
    bool begins;                   /* nothing of the part's text has come yet */
    uint64_t at, end;              /* of the header or body that is being read */
    struct encode_decoder decoder;
    struct charset *charset;
    uint64_t window_at;            /* of the first byte of window */
    struct buf window;             /* one chunk of the body */
    struct buf header;             /* a header block */
    struct span fields;            /* what is left of it */
    struct outline_part beginning; /* the part whose header it is */
    struct buf decoded, utf8, folded;
};
void body_text_init(struct body_text *b);
void body_text_fini(struct body_text *b);
/* Begins with another body, or anew with the same. overlap: bytes at the end of a piece that the next one repeats: one less than the longest needle. */
void body_text_begin(struct body_text *b, uint64_t blob, unsigned what, size_t overlap);
/* A stored outline that is damaged, or does not fit the body, is logged and made anew from the bytes of the body. */
/* One step of about 64 KiB of the body, or one field if that is longer. *piece_out: folded text, valid until the next step; may be empty.
 * *more_out false: the message has ended (with this piece). t may be another snapshot than that of the step before. ERR_NOTFOUND: the body
 * is gone. */
enum err body_text_step(struct body_text *b, struct txn *t, struct span *piece_out, bool *more_out,
                        struct fault *f);
/* The outline of a body. Where the stored one is damaged, that is logged, and out is that of its first bytes: what stands in the message's own
 * header is right in it. out points into record. ERR_NOTFOUND: the body is gone. */
enum err body_text_outline(struct txn *t, uint64_t blob, struct buf *record, struct outline *out,
                           struct fault *f);
