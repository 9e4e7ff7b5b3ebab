#pragma once /* store/body_text.h: the text of a stored message as searching sees it: decoded, UTF-8, folded */
#include "common/buf.h"
#include "message/charset.h"
#include "message/encode.h"
#include "message/outline.h"
#include "store/blob.h"

/* One after the other, in bounded steps, so that neither a large message nor many keys hold a loop:
 * - BODY_TEXT_HEADER: each field of the message's header (and, for TEXT, of the headers of parts and embedded messages)
 *   as "name: value" with encoded words decoded and unfolded;
 * - BODY_TEXT_BODY: each part of type text, and the text of attachments that are text, without transfer encoding and charset.
 * Pieces are folded with fold_text. A needle lies wholly within one run (a field, a part); runs are delivered in pieces that
 * overlap by as much as the caller asks, so that nothing between two pieces is missed.
 * The index (store/index.h) is made from exactly this text, and so is the verification of what it finds. */
enum body_text_what { BODY_TEXT_HEADER = 1, BODY_TEXT_BODY = 2, BODY_TEXT_ALL = 3 };

struct body_text {
    uint64_t blob; /* private from here */
    unsigned what;
    size_t overlap;
    struct buf record;
    struct outline outline;
    uint32_t part;
    bool in_part, opened, ended;
    uint64_t at, end;
    struct encode_decoder decoder;
    struct charset *charset;
    struct buf raw, decoded, utf8, folded;
};
void body_text_init(struct body_text *b);
void body_text_fini(struct body_text *b);
/* Begins with another body. overlap: bytes of the piece before that the next piece of the same run repeats. */
void body_text_begin(struct body_text *b, uint64_t blob, unsigned what, size_t overlap);
/* One step of at most about 64 KiB of the body. *piece_out: folded text, valid until the next step; may be empty. *more_out false: the message has ended
 * (with this piece). t may be another snapshot than that of the step before. ERR_NOTFOUND: the body is gone. */
enum err body_text_step(struct body_text *b, struct txn *t, struct span *piece_out, bool *more_out,
                        struct fault *f);
