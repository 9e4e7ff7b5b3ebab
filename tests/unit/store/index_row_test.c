#include "store/index_row.h"

#include "common/mem.h"
#include "tests/unit/unit.h"

static uint64_t seed = 1;
static uint32_t number(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static void random_bits(struct index_row_bits *bits, uint32_t columns, uint32_t of_1000)
{
    memset(bits, 0, sizeof *bits);
    for (uint32_t i = 0; i < columns; i++) {
        if (number(1000) < of_1000)
            index_row_bit_set(bits, i);
    }
}

/* All densities at all sizes: what is packed comes back, in not more bytes than plain bits. */
static void index_row_lines(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, 511, 1024, 4095, 4096};
    static const uint32_t densities[] = {0, 1, 5, 30, 100, 250, 400, 499, 501, 700, 900, 990, 1000};
    struct index_row_bits bits, got;
    struct index_row_walk w;
    struct span line;
    uint32_t gram;
    struct buf row;
    buf_init(&row, 1 << 20);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        for (size_t d = 0; d < UNIT_COUNT(densities); d++) {
            random_bits(&bits, sizes[i], densities[d]);
            buf_reset(&row);
            index_row_add(&row, 77, 77, &bits, sizes[i]);
            assert_true(row.n <= (sizes[i] + 7) / 8 + 3);
            index_row_add(&row, 77, 16777215, &bits, sizes[i]);
            index_row_walk(&w, buf_span(&row), 77);
            for (uint32_t n = 0; n < 2; n++) {
                assert_true(index_row_walk_next(&w, &gram, &line));
                assert_int_equal(gram, n ? 16777215 : 77);
                memset(&got, 0xff, sizeof got);
                assert_true(index_row_line(line, sizes[i], &got));
                assert_memory_equal(&got, &bits, (sizes[i] + 63) / 64 * 8);
            }
            assert_false(index_row_walk_next(&w, &gram, &line));
            assert_false(w.damaged);
        }
    }
    buf_fini(&row);
}

/* A set of random bits takes about as many bytes as it must: 4,096 with 1 of 100 have 331 bits of entropy. */
static void index_row_is_short(void **state)
{
    (void)state;
    struct index_row_bits bits;
    struct buf row;
    buf_init(&row, 1 << 20);
    for (int i = 0; i < 100; i++) {
        random_bits(&bits, 4096, 10);
        index_row_add(&row, 1, 1, &bits, 4096);
    }
    assert_true(row.n < 100 * 48);
    buf_fini(&row);
}

static void index_row_heads(void **state)
{
    (void)state;
    static struct index_row_column columns[4096], got[4096];
    struct index_row_head head;
    struct buf b;
    uint64_t at = 0;
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < 4096; i++) {
        at += 1 + number(i % 7 == 0 ? 2000000000 : 3);
        columns[i] = (struct index_row_column){at, i % 5 == 0};
    }
    index_row_head(columns, 4096, 12345678901, &b);
    assert_true(index_row_head_of(buf_span(&b), &head, got));
    assert_int_equal(head.columns, 4096);
    assert_int_equal(head.bytes, 12345678901);
    for (uint32_t i = 0; i < 4096; i++)
        assert_true(got[i].body == columns[i].body && got[i].wide == columns[i].wide);
    for (size_t n = 0; n < b.n; n++)
        assert_false(index_row_head_of(span_to(buf_span(&b), n), &head, got));
    (void)buf_byte(&b, 2);
    assert_false(index_row_head_of(buf_span(&b), &head, got));
    static const char twice[] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0};
    assert_false(index_row_head_of(span_of(twice, sizeof twice), &head, got));
    buf_fini(&b);
}

/* Any bytes are read without harm. */
static void index_row_of_damage(void **state)
{
    (void)state;
    static struct index_row_column columns[4096];
    struct index_row_bits bits;
    struct index_row_head head;
    struct index_row_walk w;
    char bytes[40];
    for (int round = 0; round < 100000; round++) {
        size_t n = number(40);
        struct span line;
        uint32_t gram, size = number(4097);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(number(3) ? number(256) : number(16));
        char *exact = mem_alloc(n);
        memcpy(exact, bytes, n);
        index_row_walk(&w, span_of(exact, n), number(1u << 25));
        while (index_row_walk_next(&w, &gram, &line))
            (void)index_row_line(line, size, &bits);
        (void)index_row_head_of(span_of(exact, n), &head, columns);
        mem_free(exact);
    }
}

static void index_row_keys(void **state)
{
    (void)state;
    struct schema_key k;
    uint64_t segment;
    uint32_t gram;
    struct span key = index_row_key(&k, 300, INDEX_ROW_GRAM(INDEX_ROW_BODY, 'a', '\xff', 'c'));
    assert_true(index_row_key_of(key, &segment, &gram));
    assert_int_equal(segment, 300);
    assert_int_equal(gram, 0x161ff63);
    assert_false(index_row_key_of(span_to(key, 12), &segment, &gram));
    assert_false(index_row_head_key_of(key, &segment));
    key = index_row_key(&k, 300, INDEX_ROW_GRAM(INDEX_ROW_FAMILIES, 0, 0, 0));
    assert_false(index_row_key_of(key, &segment, &gram));
    key = index_row_head_key(&k, 9);
    assert_true(index_row_head_key_of(key, &segment) && segment == 9);
    assert_false(index_row_head_key_of(span_to(key, 8), &segment));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_row_lines), cmocka_unit_test(index_row_is_short),
        cmocka_unit_test(index_row_heads), cmocka_unit_test(index_row_of_damage),
        cmocka_unit_test(index_row_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
