#pragma once /* message/preview.h: the first words of a message, made while it streams by: RFC 8970 */
#include "common/buf.h"
#include "message/charset.h"
#include "message/encode.h"
#include "message/html_text.h"

#define PREVIEW_CHARS 200        /* RFC 8970 §3.3 */
#define PREVIEW_PART_BYTES 65536 /* of a part that are looked at, as they stand in the message */

/* Text without markup: words with one space between them. */
struct preview_line {
    char text[4 * PREVIEW_CHARS];
    size_t n, chars;
    bool space; /* comes before the next word */
};
struct preview {
    struct preview_line text, quoted; /* private from here */
    bool in_part, html;
    size_t left_bytes; /* of the part */
    struct encode_decoder decoder;
    struct charset *charset;
    struct html_text markup;
    bool line_begun, line_quoted;
    struct buf decoded, utf8, plain;
};
void preview_init(struct preview *p);
void preview_fini(struct preview *p);

/* Whether another part is wanted: nothing readable has been found so far. */
bool preview_wants(const struct preview *p);
/* A text part begins. Charset empty: it does not say. */
void preview_begin(struct preview *p, enum encode_kind encoding, struct span charset, bool html);
void preview_feed(struct preview *p, struct span piece); /* of its body, as it stands; any size */
void preview_end(struct preview *p);
/* What the message says, in UTF-8; where all of it is quoted ("> "), that. Empty: nothing that could be read. Points into p. */
struct span preview_text(const struct preview *p);
