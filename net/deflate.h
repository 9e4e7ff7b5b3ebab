#pragma once /* net/deflate.h: DEFLATE (RFC 1951) on both directions of a connection; for net/wire.c alone */
#include "common/buf.h"

struct deflate;

/* Raw streams, no header. NULL: out of memory. */
struct deflate *deflate_new(void);
void deflate_free(struct deflate **d); /* NULL is fine */

/* --- out --- */
/* Compresses the beginning of plain (not empty), and flushes: the peer can read all of it when it has what deflate_packed holds
 * afterwards. Nothing may be waiting there. Returns how many bytes were taken. */
#define DEFLATE_PIECE_BYTES (64u << 10)
size_t deflate_pack(struct deflate *d, struct span plain);
struct span deflate_packed(const struct deflate *d);
void deflate_sent(struct deflate *d, size_t n); /* so many of them have left */

/* --- in --- */
enum deflate_is {
    DEFLATE_MORE,  /* there may be more: ask again */
    DEFLATE_DRY,   /* more compressed bytes are needed */
    DEFLATE_ENDED, /* the peer has ended its compression: what is left in deflate_raw is plain */
    DEFLATE_BROKEN /* this is not DEFLATE */
};
/* Compressed bytes that wait are at most so many, and nothing is uncompressed before it is asked for: no input, however
 * well it is compressed, makes memory grow. */
#define DEFLATE_RAW_BYTES (16u << 10)
/* DEFLATE_RAW_BYTES of room for the peer's next bytes, when none wait; deflate_filled tells how many came. */
char *deflate_room(struct deflate *d);
void deflate_filled(struct deflate *d, size_t n);
/* At most n bytes to p; *got of them. Not beyond the end of a block, so that a session can act on what it was given. */
enum deflate_is deflate_unpack(struct deflate *d, char *p, size_t n, size_t *got);
bool deflate_pending(const struct deflate *d); /* deflate_unpack has something to look at */
/* The peer compresses no more behind the flush (or the end of the stream) that comes next: DEFLATE_ENDED then. */
void deflate_end(struct deflate *d);
struct span deflate_raw(const struct deflate *d);
void deflate_took(struct deflate *d, size_t n); /* so many of these were used */
