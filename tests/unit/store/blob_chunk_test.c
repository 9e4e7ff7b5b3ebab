#include "store/blob_chunk.h"

#include "tests/unit/unit.h"

static char blob_chunk_source[BLOB_CHUNK_BYTES];

static void blob_chunk_fill(bool noise)
{
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof blob_chunk_source; i++) {
        x = x * 1664525 + 1013904223;
        blob_chunk_source[i] = noise ? (char)(x >> 24) : "the quick brown fox "[i % 20];
    }
}

static void blob_chunk_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 1023, 1024, 5000, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES};
    struct buf row;
    buf_init(&row, BLOB_CHUNK_BYTES + 1);
    for (int noise = 0; noise < 2; noise++) {
        blob_chunk_fill(noise);
        for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
            struct span bytes = span_of(blob_chunk_source, sizes[i]), back;
            blob_chunk_row(bytes, &row);
            bool packs = !noise && sizes[i] >= 1024;
            assert_int_equal(row.p[0], packs ? BLOB_CHUNK_ZSTD : BLOB_CHUNK_PLAIN);
            assert_true(packs ? row.n < sizes[i] - sizes[i] / 8 : row.n == sizes[i] + 1);
            assert_true(blob_chunk_bytes(buf_span(&row), &back));
            unit_assert_same(back, bytes);
        }
    }
    buf_fini(&row);
}

static void blob_chunk_notices_damage(void **state)
{
    (void)state;
    blob_chunk_fill(false);
    struct buf row;
    buf_init(&row, BLOB_CHUNK_BYTES + 1);
    blob_chunk_row(span_of(blob_chunk_source, 5000), &row);
    struct span back;
    assert_true(blob_chunk_bytes(buf_span(&row), &back));
    for (size_t n = 0; n < row.n; n++) /* cut anywhere */
        assert_false(blob_chunk_bytes(span_to(buf_span(&row), n), &back));
    for (size_t i = 0; i < 5; i++) { /* another encoding, another length */
        row.p[i] ^= 0x42;
        assert_false(blob_chunk_bytes(buf_span(&row), &back));
        row.p[i] ^= 0x42;
    }
    assert_true(blob_chunk_bytes(buf_span(&row), &back));
    buf_fini(&row);
}

static void blob_chunk_has_a_scratch(void **state)
{
    (void)state;
    struct buf *b = blob_chunk_scratch();
    assert_ptr_equal(b, blob_chunk_scratch());
    assert_int_equal(b->max_bytes, BLOB_CHUNK_BYTES + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blob_chunk_comes_back),
        cmocka_unit_test(blob_chunk_notices_damage),
        cmocka_unit_test(blob_chunk_has_a_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
