#include "store/blob_chunk.h"
#include "common/le.h"
#include "common/mem.h"
#include "common/must.h"

#include <pthread.h>
#include <zstd.h>

#define BLOB_ZSTD_LEVEL 1
#define BLOB_ZSTD_LEAST_BYTES 1024u /* below it nothing is gained */
#define BLOB_HEAD_BYTES 5           /* of a compressed row: the encoding and the length */

/* What each thread keeps for its chunks. */
struct blob_chunk_tools {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    struct buf row, plain; /* for blob_chunk_scratch; unpacked bytes */
};
static pthread_key_t blob_chunk_tools_key;
static pthread_once_t blob_chunk_once = PTHREAD_ONCE_INIT;

static void blob_chunk_tools_free(void *arg)
{
    struct blob_chunk_tools *o = arg;
    (void)ZSTD_freeCCtx(o->pack);
    (void)ZSTD_freeDCtx(o->unpack);
    buf_fini(&o->row);
    buf_fini(&o->plain);
    mem_free(o);
}

static void blob_chunk_tools_start(void)
{
    must(pthread_key_create(&blob_chunk_tools_key, blob_chunk_tools_free) == 0);
}

static struct blob_chunk_tools *blob_chunk_tools(void)
{
    must(pthread_once(&blob_chunk_once, blob_chunk_tools_start) == 0);
    struct blob_chunk_tools *o = pthread_getspecific(blob_chunk_tools_key);
    if (!o) {
        o = mem_new(struct blob_chunk_tools);
        buf_init(&o->row, BLOB_CHUNK_BYTES + 1);
        buf_init(&o->plain, BLOB_CHUNK_BYTES);
        must(pthread_setspecific(blob_chunk_tools_key, o) == 0);
    }
    return o;
}

struct buf *blob_chunk_scratch(void)
{
    return &blob_chunk_tools()->row;
}

bool blob_chunk_pack(struct span row, struct buf *packed_out)
{
    struct span bytes = span_from(row, 1);
    if (bytes.n < BLOB_ZSTD_LEAST_BYTES)
        return false;
    struct blob_chunk_tools *o = blob_chunk_tools();
    if (!o->pack)
        o->pack = ZSTD_createCCtx();
    if (!o->pack)
        return false;
    size_t room = bytes.n - bytes.n / 8;
    buf_init(packed_out, BLOB_CHUNK_BYTES);
    char *p = buf_room(packed_out, room);
    size_t n = ZSTD_compressCCtx(o->pack, p + BLOB_HEAD_BYTES, room - BLOB_HEAD_BYTES, bytes.p,
                                 bytes.n, BLOB_ZSTD_LEVEL);
    if (ZSTD_isError(n)) { /* does not fit: not worth it */
        buf_fini(packed_out);
        return false;
    }
    p[0] = BLOB_CHUNK_ZSTD;
    le_put(p + 1, bytes.n, BLOB_HEAD_BYTES - 1);
    buf_grew(packed_out, n + BLOB_HEAD_BYTES);
    return true;
}

void blob_chunk_row(struct span bytes, struct buf *row_out)
{
    struct buf raw, packed;
    must(bytes.n <= BLOB_CHUNK_BYTES);
    buf_init(&raw, BLOB_CHUNK_BYTES + 1);
    (void)buf_byte(&raw, BLOB_CHUNK_PLAIN);
    (void)buf_add(&raw, bytes);
    bool packs = blob_chunk_pack(buf_span(&raw), &packed);
    buf_reset(row_out);
    (void)buf_add(row_out, buf_span(packs ? &packed : &raw));
    if (packs)
        buf_fini(&packed);
    buf_fini(&raw);
}

/* Unpacks row into o->plain. */
static bool blob_chunk_unpack(struct blob_chunk_tools *o, struct span row)
{
    size_t n = row.n >= BLOB_HEAD_BYTES ? (size_t)le_get(row.p + 1, BLOB_HEAD_BYTES - 1) : 0;
    if (n == 0 || n > BLOB_CHUNK_BYTES)
        return false;
    if (!o->unpack)
        o->unpack = ZSTD_createDCtx();
    if (!o->unpack)
        return false;
    struct span packed = span_from(row, BLOB_HEAD_BYTES);
    buf_reset(&o->plain);
    char *p = buf_room(&o->plain, n);
    if (ZSTD_decompressDCtx(o->unpack, p, n, packed.p, packed.n) != n)
        return false;
    buf_grew(&o->plain, n);
    return true;
}

bool blob_chunk_bytes(struct span row, struct span *out)
{
    if (row.n > 0 && row.p[0] == BLOB_CHUNK_PLAIN) {
        *out = span_from(row, 1);
        return true;
    }
    struct blob_chunk_tools *o = blob_chunk_tools();
    if (row.n == 0 || row.p[0] != BLOB_CHUNK_ZSTD || !blob_chunk_unpack(o, row))
        return false;
    *out = buf_span(&o->plain);
    return true;
}
