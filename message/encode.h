#pragma once /* message/encode.h: Content-Transfer-Encoding, RFC 2045 §6 */
#include "common/buf.h"

enum encode_kind {
    ENCODE_7BIT,
    ENCODE_8BIT,
    ENCODE_BINARY,
    ENCODE_BASE64,
    ENCODE_QP,
    ENCODE_UNKNOWN
};

/* The kind by its name; surrounding white space and case do not matter. */
enum encode_kind encode_named(struct span name);

/* Value of one hexadecimal digit of either case, or -1. */
int encode_hex_digit(unsigned char c);

/* A decoder is a plain value: start with ENCODE_DECODER(kind). Lenient as mail needs: foreign bytes
 * in base64 are skipped, a broken "=xx" stays as it is. 7BIT, 8BIT, BINARY and UNKNOWN pass
 * through. */
struct encode_decoder {
    enum encode_kind kind;
    unsigned bits, have; /* base64: digits waiting */
    unsigned held_n; /* quoted-printable: white space before a line end, or a cut escape, waits */
    char held[80];
};
#define ENCODE_DECODER(k) ((struct encode_decoder){.kind = (k)})
/* Streams in to out. last flushes. False: out is full. Padding in the middle of base64 starts a
 * new run. */
bool encode_decode(struct encode_decoder *d, struct span in, bool last, struct buf *out);
/* The same without output: adds the decoded length to *bytes. */
void encode_measure(struct encode_decoder *d, struct span in, bool last, uint64_t *bytes);
