#include "net/deflate.h"

#include "tests/unit/unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <zlib.h>

/* The peer: what it says as it comes over the wire. */
static void say(z_stream *z, struct buf *wire, struct span text, int flush)
{
    char out[1024];
    z->next_in = (Bytef *)(uintptr_t)text.p;
    z->avail_in = (uInt)text.n;
    do {
        z->next_out = (Bytef *)out;
        z->avail_out = sizeof out;
        int is = deflate(z, flush);
        assert_true(is == Z_OK || is == Z_STREAM_END || is == Z_BUF_ERROR);
        assert_true(buf_add(wire, span_of(out, sizeof out - z->avail_out)));
    } while (z->avail_out == 0);
}

static void peer_begin(z_stream *z)
{
    memset(z, 0, sizeof *z);
    assert_int_equal(deflateInit2(z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

/* Gives wire to d, and takes what comes out helping bytes at a time. After the line END deflate_end is called, as a session would.
 * True: DEFLATE_ENDED. */
static bool feed(struct deflate *d, struct span wire, size_t helping, struct buf *out)
{
    char p[4096];
    while (wire.n > 0) {
        struct span part = span_to(wire, DEFLATE_RAW_BYTES);
        memcpy(deflate_room(d), part.p, part.n);
        deflate_filled(d, part.n);
        wire = span_from(wire, part.n);
        for (enum deflate_is is = DEFLATE_MORE; is == DEFLATE_MORE && deflate_pending(d);) {
            size_t got;
            is = deflate_unpack(d, p, helping, &got);
            assert_true(got <= helping && is != DEFLATE_BROKEN);
            assert_true(buf_add(out, span_of(p, got)));
            struct span have = buf_span(out);
            if (have.n >= 4 && span_eq(span_from(have, have.n - 4), SPAN("END\n")))
                deflate_end(d);
            if (is == DEFLATE_ENDED) {
                assert_true(buf_add(out, deflate_raw(d)));
                deflate_took(d, deflate_raw(d).n);
                assert_true(buf_add(out, wire));
                return true;
            }
        }
    }
    return false;
}

/* However the network cuts and whatever there is room for, the same comes out, and what stands behind the end is plain. */
static void deflate_splits(void **state)
{
    (void)state;
    static const size_t helpings[] = {1, 3, 4096};
    for (int ends = 0; ends < 2; ends++) {
        z_stream z;
        struct buf wire;
        buf_init(&wire, 4096);
        peer_begin(&z);
        say(&z, &wire, SPAN("one line\n"), Z_SYNC_FLUSH);
        say(&z, &wire, SPAN("another line, like one line\n"), Z_FULL_FLUSH);
        say(&z, &wire, SPAN(""), Z_SYNC_FLUSH);
        say(&z, &wire, SPAN("the END\n"), ends ? Z_FINISH : Z_SYNC_FLUSH);
        assert_true(buf_addz(&wire, "a LOGIN in the clear\n"));
        deflateEnd(&z);
        for (size_t h = 0; h < UNIT_COUNT(helpings); h++) {
            for (size_t cut = 0; cut <= wire.n; cut++) {
                struct deflate *d = deflate_new();
                struct buf out;
                buf_init(&out, 4096);
                bool over = feed(d, span_to(buf_span(&wire), cut), helpings[h], &out);
                if (over)
                    assert_true(buf_add(&out, span_from(buf_span(&wire), cut)));
                else
                    assert_true(feed(d, span_from(buf_span(&wire), cut), helpings[h], &out));
                unit_assert_span(buf_span(&out), "one line\nanother line, like one line\nthe END\n"
                                                 "a LOGIN in the clear\n");
                buf_fini(&out);
                deflate_free(&d);
            }
        }
        buf_fini(&wire);
    }
}

static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* 1,000 times its size comes out of a bomb, but only in the helpings that are asked for. */
static void deflate_bomb(void **state)
{
    (void)state;
    static char zeroes[1u << 20];
    z_stream z;
    struct buf wire;
    buf_init(&wire, 1u << 20);
    peer_begin(&z);
    for (int i = 0; i < 32; i++)
        say(&z, &wire, span_of(zeroes, sizeof zeroes), Z_NO_FLUSH);
    say(&z, &wire, SPAN(""), Z_SYNC_FLUSH);
    deflateEnd(&z);
    assert_true(wire.n < 64u << 10);
    struct deflate *d = deflate_new();
    size_t before = in_use(), total = 0;
    char p[4096];
    for (struct span rest = buf_span(&wire); rest.n > 0;) {
        struct span part = span_to(rest, DEFLATE_RAW_BYTES);
        memcpy(deflate_room(d), part.p, part.n);
        deflate_filled(d, part.n);
        rest = span_from(rest, part.n);
        while (deflate_pending(d)) {
            size_t got;
            assert_true(deflate_unpack(d, p, sizeof p, &got) != DEFLATE_BROKEN);
            total += got;
        }
        assert_true(in_use() < before + (128u << 10));
    }
    assert_int_equal(total, 32u << 20);
    deflate_free(&d);
    buf_fini(&wire);
}

static void deflate_garbage(void **state)
{
    (void)state;
    struct deflate *d = deflate_new();
    char p[64];
    size_t got;
    memset(deflate_room(d), 0xff, 100);
    deflate_filled(d, 100);
    assert_int_equal(deflate_unpack(d, p, sizeof p, &got), DEFLATE_BROKEN);
    deflate_free(&d);
    deflate_free(&d);
}

/* All that was packed can be read at once, of any size and kind. */
static void deflate_out(void **state)
{
    (void)state;
    static char text[3 * DEFLATE_PIECE_BYTES], back[sizeof text];
    srandom(1);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i < sizeof text / 2 ? i % 7 : (size_t)random());
    struct deflate *d = deflate_new();
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    static const size_t sizes[] = {1, 2, 100, 65000, 65537, 5};
    size_t at = 0;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        size_t took = deflate_pack(d, span_of(text + at, sizes[i]));
        assert_int_equal(took, sizes[i] < DEFLATE_PIECE_BYTES ? sizes[i] : DEFLATE_PIECE_BYTES);
        z.next_out = (Bytef *)back + at;
        z.avail_out = (uInt)(sizeof back - at);
        while (deflate_packed(d).n > 0) { /* it leaves in pieces */
            size_t n = deflate_packed(d).n > 1000 ? 1000 : deflate_packed(d).n;
            z.next_in = (Bytef *)(uintptr_t)deflate_packed(d).p;
            z.avail_in = (uInt)n;
            (void)inflate(&z, Z_NO_FLUSH);
            assert_int_equal(z.avail_in, 0);
            deflate_sent(d, n);
        }
        at += took;
        assert_int_equal(sizeof back - z.avail_out, at);
    }
    assert_memory_equal(text, back, at);
    inflateEnd(&z);
    deflate_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deflate_splits),
        cmocka_unit_test(deflate_bomb),
        cmocka_unit_test(deflate_garbage),
        cmocka_unit_test(deflate_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
