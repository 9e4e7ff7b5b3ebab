#include "message/encode.h"

/* Input is taken in pieces of this size, so that output goes through one small block on the
 * stack. */
#define PIECE_BYTES 4096
/* A piece decodes to at most its own length plus what the decoder held. */
#define BLOCK_BYTES (PIECE_BYTES + 128)

enum encode_kind encode_named(struct span name)
{
    /* clang-format off */
    static const struct { const char *name; enum encode_kind kind; } names[] = {
        {"7bit",             ENCODE_7BIT},
        {"8bit",             ENCODE_8BIT},
        {"binary",           ENCODE_BINARY},
        {"base64",           ENCODE_BASE64},
        {"quoted-printable", ENCODE_QP},
    };
    /* clang-format on */
    name = span_trim(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_ci(name, span_cstr(names[i].name)))
            return names[i].kind;
    }
    return ENCODE_UNKNOWN;
}

int encode_hex_digit(unsigned char c)
{
    unsigned char lower = c | 0x20;
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* --- base64, RFC 2045 §6.8 -------------------------------------------------------------------- */

#define DIGIT 0x40 /* set in every value of a digit; foreign bytes are 0 */

/* clang-format off */
static const unsigned char digits[256] = {
    ['A'] = 64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,
            77,  78,  79,  80,  81,  82,  83,  84,  85,  86,  87,  88,  89,
    ['a'] = 90,  91,  92,  93,  94,  95,  96,  97,  98,  99, 100, 101, 102,
           103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
    ['0'] = 116, 117, 118, 119, 120, 121, 122, 123, 124, 125,
    ['+'] = 126, ['/'] = 127,
};
/* clang-format on */

/* Ends a run of digits: two are one byte, three are two bytes, a single one is nothing. */
static size_t base64_flush(struct encode_decoder *d, char *out)
{
    size_t n = 0;
    if (d->have == 2)
        out[n++] = (char)(d->bits >> 4);
    if (d->have == 3) {
        out[n++] = (char)(d->bits >> 10);
        out[n++] = (char)(d->bits >> 2);
    }
    d->have = 0;
    d->bits = 0;
    return n;
}

static size_t base64_byte(struct encode_decoder *d, unsigned char c, char *out)
{
    if (c == '=')
        return base64_flush(d, out);
    if (!digits[c])
        return 0;
    d->bits = d->bits << 6 | (digits[c] & 63u);
    if (++d->have < 4)
        return 0;
    out[0] = (char)(d->bits >> 16);
    out[1] = (char)(d->bits >> 8);
    out[2] = (char)d->bits;
    d->have = 0;
    d->bits = 0;
    return 3;
}

static size_t base64_piece(struct encode_decoder *d, struct span in, char *out)
{
    if (in.n == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)in.p, *end = p + in.n;
    char *at = out;
    while (p < end) {
        while (d->have == 0 && end - p >= 4) {
            unsigned a = digits[p[0]], b = digits[p[1]], c = digits[p[2]], e = digits[p[3]];
            if (!(a & b & c & e & DIGIT))
                break;
            *at++ = (char)(a << 2 | (b & 63) >> 4);
            *at++ = (char)(b << 4 | (c & 63) >> 2);
            *at++ = (char)(c << 6 | (e & 63));
            p += 4;
        }
        if (p < end)
            at += base64_byte(d, *p++, at);
    }
    return (size_t)(at - out);
}

/* --- quoted-printable, RFC 2045 §6.7 ---------------------------------------------------------- */

/* Bytes whose meaning depends on what follows wait in held, which is empty or one of
 *     white space, perhaps with a CR at its end        (gone if the line ends here)
 *     "="  or  "=" and a hexadecimal digit             (an escape, cut)
 *     "=" and white space, perhaps with a CR           (a soft line break, if the line ends here)
 * A legal line has at most 76 bytes; white space beyond held is taken for text. */

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

static size_t qp_flush(struct encode_decoder *d, char *out)
{
    size_t n = d->held_n;
    memcpy(out, d->held, n);
    d->held_n = 0;
    return n;
}

static unsigned char qp_last(const struct encode_decoder *d)
{
    return (unsigned char)d->held[d->held_n - 1];
}

/* Whether held ends in a digit of a cut escape. */
static bool qp_in_escape(const struct encode_decoder *d)
{
    return d->held_n == 2 && d->held[0] == '=' && encode_hex_digit((unsigned char)d->held[1]) >= 0;
}

/* A line end that takes the held white space, or the soft line break, with it. */
static size_t qp_newline(struct encode_decoder *d, char *out)
{
    size_t n = 0;
    if (d->held[0] != '=') {
        if (qp_last(d) == '\r')
            out[n++] = '\r';
        out[n++] = '\n';
    }
    d->held_n = 0;
    return n;
}

/* Whether c goes on with what is held, without deciding it. */
static bool qp_holds(const struct encode_decoder *d, unsigned char c)
{
    if (d->held_n == sizeof d->held || qp_last(d) == '\r' || qp_in_escape(d))
        return false;
    if (d->held_n == 1 && d->held[0] == '=' && encode_hex_digit(c) >= 0)
        return true;
    return is_blank(c) || c == '\r';
}

static size_t qp_byte(struct encode_decoder *d, unsigned char c, char *out)
{
    size_t n = 0;
    if (d->held_n > 0) {
        if (c == '\n' && !qp_in_escape(d))
            return qp_newline(d, out);
        if (qp_holds(d, c)) {
            d->held[d->held_n++] = (char)c;
            return 0;
        }
        if (qp_in_escape(d) && encode_hex_digit(c) >= 0) {
            out[0] = (char)(encode_hex_digit((unsigned char)d->held[1]) << 4 | encode_hex_digit(c));
            d->held_n = 0;
            return 1;
        }
        n = qp_flush(d, out);
    }
    if (c == '=' || is_blank(c) || c == '\r')
        d->held[d->held_n++] = (char)c;
    else
        out[n++] = (char)c;
    return n;
}

/* Stands for itself, whatever comes before or after. */
static bool qp_plain(unsigned char c)
{
    return c > '=' || (c > ' ' && c < '=');
}

static size_t qp_piece(struct encode_decoder *d, struct span in, char *out)
{
    size_t n = 0, i = 0;
    while (i < in.n) {
        size_t from = i;
        while (d->held_n == 0 && i < in.n) {
            if (qp_plain((unsigned char)in.p[i]))
                i++;
            else if (in.p[i] == ' ' && i + 1 < in.n && qp_plain((unsigned char)in.p[i + 1]))
                i += 2;
            else
                break;
        }
        memcpy(out + n, in.p + from, i - from);
        n += i - from;
        if (i < in.n)
            n += qp_byte(d, (unsigned char)in.p[i++], out + n);
    }
    return n;
}

/* The end of the body is the end of its last line; a lone CR or a cut escape stays as it is. */
static size_t qp_end(struct encode_decoder *d, char *out)
{
    if (d->held_n > 0 && !qp_in_escape(d) && qp_last(d) != '\r')
        d->held_n = 0;
    return qp_flush(d, out);
}

/* --- both ------------------------------------------------------------------------------------- */

static bool passes_through(enum encode_kind kind)
{
    return kind != ENCODE_BASE64 && kind != ENCODE_QP;
}

/* piece: at most PIECE_BYTES; out: BLOCK_BYTES. */
static size_t decode_piece(struct encode_decoder *d, struct span piece, bool last, char *out)
{
    size_t n;
    if (d->kind == ENCODE_BASE64) {
        n = base64_piece(d, piece, out);
        return last ? n + base64_flush(d, out + n) : n;
    }
    n = qp_piece(d, piece, out);
    return last ? n + qp_end(d, out + n) : n;
}

bool encode_decode(struct encode_decoder *d, struct span in, bool last, struct buf *out)
{
    char block[BLOCK_BYTES];
    if (passes_through(d->kind))
        return buf_add(out, in);
    for (;;) {
        struct span piece = span_to(in, PIECE_BYTES);
        bool ends = piece.n == in.n;
        size_t n = decode_piece(d, piece, last && ends, block);
        if (!buf_add(out, span_of(block, n)))
            return false;
        if (ends)
            return true;
        in = span_from(in, piece.n);
    }
}

void encode_measure(struct encode_decoder *d, struct span in, bool last, uint64_t *bytes)
{
    char block[BLOCK_BYTES];
    if (passes_through(d->kind)) {
        *bytes += in.n;
        return;
    }
    for (;;) {
        struct span piece = span_to(in, PIECE_BYTES);
        bool ends = piece.n == in.n;
        *bytes += decode_piece(d, piece, last && ends, block);
        if (ends)
            return;
        in = span_from(in, piece.n);
    }
}
