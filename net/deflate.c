#include "net/deflate.h"

#include "common/mem.h"
#include "common/must.h"

#include <zlib.h>

/* What a connection costs: about 64 KiB for these, and 40 KiB for the peer, whose window we do not choose. A window of 8 KiB
 * sees the responses before and the headers of a few messages. */
#define DEFLATE_LEVEL 3 /* a piece takes about a millisecond */
#define DEFLATE_WINDOW_BITS 13
#define DEFLATE_MEMORY_LEVEL 6
#define DEFLATE_SLACK_BYTES 1024 /* above deflateBound: the flush */

struct deflate {
    z_stream out, in;
    struct buf packed; /* from packed_at on */
    size_t packed_at;
    char *raw; /* [raw_at, raw_n) */
    size_t raw_at, raw_n;
    bool full;   /* the last call gave all it was asked for: there may be more */
    bool ending; /* see deflate_end */
    bool filled; /* the present block has given bytes */
};

/* Like zlib's own, but counted by trip. */
static voidpf deflate_alloc(voidpf arg, uInt items, uInt size)
{
    (void)arg;
    return mem_try((size_t)items * size);
}

static void deflate_release(voidpf arg, voidpf p)
{
    (void)arg;
    mem_free(p);
}

struct deflate *deflate_new(void)
{
    struct deflate *d = mem_new(struct deflate);
    d->out.zalloc = d->in.zalloc = deflate_alloc;
    d->out.zfree = d->in.zfree = deflate_release;
    bool packs = deflateInit2(&d->out, DEFLATE_LEVEL, Z_DEFLATED, -DEFLATE_WINDOW_BITS,
                              DEFLATE_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    if (packs && inflateInit2(&d->in, -MAX_WBITS) == Z_OK) {
        buf_init(&d->packed, deflateBound(&d->out, DEFLATE_PIECE_BYTES) + DEFLATE_SLACK_BYTES);
        return d;
    }
    if (packs)
        (void)deflateEnd(&d->out);
    mem_free(d);
    return NULL;
}

void deflate_free(struct deflate **deflate)
{
    struct deflate *d = *deflate;
    if (!d)
        return;
    (void)deflateEnd(&d->out);
    (void)inflateEnd(&d->in);
    buf_fini(&d->packed);
    mem_free(d->raw);
    mem_free(d);
    *deflate = NULL;
}

/* --- out --- */

/* Z_SYNC_FLUSH: all that was said is on its way, and the dictionary stays. Z_FULL_FLUSH would do the same for the peer, but a
 * reply of IMAP is short and like the one before it: without that it hardly shrinks at all. */
size_t deflate_pack(struct deflate *d, struct span plain)
{
    must(plain.n > 0 && deflate_packed(d).n == 0);
    plain = span_to(plain, DEFLATE_PIECE_BYTES);
    buf_reset(&d->packed);
    d->packed_at = 0;
    char *room = buf_room(&d->packed, d->packed.max_bytes);
    d->out.next_in = (Bytef *)(uintptr_t)plain.p; /* zlib only reads it */
    d->out.avail_in = (uInt)plain.n;
    d->out.next_out = (Bytef *)room;
    d->out.avail_out = (uInt)d->packed.max_bytes;
    must(deflate(&d->out, Z_SYNC_FLUSH) == Z_OK && d->out.avail_in == 0 && d->out.avail_out > 0);
    buf_grew(&d->packed, d->packed.max_bytes - d->out.avail_out);
    return plain.n;
}

struct span deflate_packed(const struct deflate *d)
{
    return span_from(buf_span(&d->packed), d->packed_at);
}

void deflate_sent(struct deflate *d, size_t n)
{
    d->packed_at += n;
    if (d->packed_at < d->packed.n)
        return;
    buf_trim(&d->packed);
    d->packed_at = 0;
}

/* --- in --- */

char *deflate_room(struct deflate *d)
{
    must(d->raw_at == d->raw_n);
    if (!d->raw)
        d->raw = mem_alloc(DEFLATE_RAW_BYTES);
    d->raw_at = d->raw_n = 0;
    return d->raw;
}

void deflate_filled(struct deflate *d, size_t n)
{
    d->raw_n = n;
}

struct span deflate_raw(const struct deflate *d)
{
    return span_of(d->raw ? d->raw + d->raw_at : "", d->raw_n - d->raw_at);
}

void deflate_took(struct deflate *d, size_t n)
{
    d->raw_at += n;
    if (d->raw_at < d->raw_n)
        return;
    mem_free(d->raw);
    d->raw = NULL;
    d->raw_at = d->raw_n = 0;
}

bool deflate_pending(const struct deflate *d)
{
    return d->full || d->raw_at < d->raw_n;
}

void deflate_end(struct deflate *d)
{
    d->ending = true;
}

/* Whether an empty block ended with the end of a byte, which is what a flush looks like. data_type as zlib.h tells of
 * Z_BLOCK. */
static bool deflate_is_flush(struct deflate *d, size_t ate, size_t got)
{
    bool ended = (d->in.data_type & 128) && ate + got > 0;
    bool flush = ended && got == 0 && !d->filled && (d->in.data_type & 63) == 0;
    d->filled = !ended && (d->filled || got > 0);
    return flush;
}

/* One call of inflate. */
static enum deflate_is deflate_step(struct deflate *d, char *p, size_t n, size_t *got)
{
    struct span raw = deflate_raw(d);
    d->in.next_in = (Bytef *)(uintptr_t)raw.p; /* zlib only reads it */
    d->in.avail_in = (uInt)raw.n;
    d->in.next_out = (Bytef *)p;
    d->in.avail_out = (uInt)n;
    int is = inflate(&d->in, Z_BLOCK);
    *got = n - d->in.avail_out;
    d->full = d->in.avail_out == 0;
    deflate_took(d, raw.n - d->in.avail_in);
    if (is != Z_OK && is != Z_STREAM_END && is != Z_BUF_ERROR)
        return DEFLATE_BROKEN;
    if (is == Z_STREAM_END)
        d->full = false;
    if (deflate_is_flush(d, raw.n - d->in.avail_in, *got) && d->ending)
        return DEFLATE_ENDED;
    if (is == Z_STREAM_END)
        return DEFLATE_ENDED;
    return deflate_pending(d) ? DEFLATE_MORE : DEFLATE_DRY;
}

enum deflate_is deflate_unpack(struct deflate *d, char *p, size_t n, size_t *got)
{
    enum deflate_is is;
    *got = 0;
    n = n < UINT32_MAX ? n : UINT32_MAX;
    do
        is = deflate_step(d, p, n, got);
    while (is == DEFLATE_MORE && *got == 0);
    return is;
}
