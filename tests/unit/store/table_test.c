#include "store/table.h"

#include "tests/unit/store/unit_store.h"

/* Each case is an operation whose apply asserts. */
struct table_case {
    struct store_op op;
    void (*run)(struct txn *t);
};

static enum err table_case_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)f;
    ((struct table_case *)(void *)op)->run(t);
    return ERR_OK;
}

static void table_in_write(void (*run)(struct txn *t))
{
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct table_case c = {.op = {.apply = table_case_apply}, .run = run};
    assert_int_equal(committer_run(st, &c.op, NULL), ERR_OK);
    store_close(&st);
}

static void table_assert_get(struct txn *t, struct span key, struct span expected)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    (void)buf_addz(&b, "left over");
    struct fault f = FAULT_NONE;
    unit_assert_ok(table_get(t, TABLE_NAME, key, &b, &f), &f);
    unit_assert_same(buf_span(&b), expected);
    buf_fini(&b);
}

static void table_rows(struct txn *t)
{
    struct fault f = FAULT_NONE;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(table_get(t, TABLE_NAME, SPAN("a"), &b, &f), ERR_NOTFOUND);
    assert_string_equal(f.text, "");
    assert_int_equal(table_drop(t, TABLE_NAME, SPAN("a"), &f), ERR_NOTFOUND);
    assert_int_equal(table_add(t, TABLE_NAME, SPAN("a"), SPAN("1"), &f), ERR_OK);
    assert_int_equal(table_add(t, TABLE_NAME, SPAN("a"), SPAN("2"), &f), ERR_EXISTS);
    table_assert_get(t, SPAN("a"), SPAN("1"));
    assert_int_equal(table_put(t, TABLE_NAME, SPAN("a"), SPAN("3"), &f), ERR_OK);
    table_assert_get(t, SPAN("a"), SPAN("3"));
    assert_int_equal(table_put(t, TABLE_NAME, SPAN("a\0b"), SPAN(""), &f), ERR_OK);
    table_assert_get(t, SPAN("a\0b"), SPAN(""));
    assert_int_equal(table_get(t, TABLE_ALIAS, SPAN("a"), &b, &f), ERR_NOTFOUND); /* each its own */
    assert_int_equal(table_drop(t, TABLE_NAME, SPAN("a"), &f), ERR_OK);
    assert_int_equal(table_get(t, TABLE_NAME, SPAN("a"), &b, &f), ERR_NOTFOUND);
    buf_fini(&b);
}

static void table_has_rows(void **state)
{
    (void)state;
    table_in_write(table_rows);
}

static void table_long_values(struct txn *t)
{
    static char big[200000];
    struct fault f = FAULT_NONE;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 % 251);
    static const size_t sizes[] = {0, 1, 511, 512, 513, 1000, 4096, 65537, sizeof big};
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        struct span value = span_of(big, sizes[i]);
        assert_int_equal(table_put(t, TABLE_NAME, SPAN("big"), value, &f), ERR_OK);
        table_assert_get(t, SPAN("big"), value);
        struct buf b;
        buf_init(&b, 1000);
        size_t at = sizes[i] / 2;
        assert_int_equal(table_get_part(t, TABLE_NAME, SPAN("big"), at, 700, &b, &f), ERR_OK);
        unit_assert_same(buf_span(&b), span_to(span_from(value, at), 700));
        assert_int_equal(table_get_part(t, TABLE_NAME, SPAN("big"), sizes[i] + 5, 700, &b, &f),
                         ERR_OK);
        assert_int_equal(b.n, 0);
        assert_int_equal(table_get(t, TABLE_NAME, SPAN("big"), &b, &f),
                         sizes[i] > 1000 ? ERR_LIMIT : ERR_OK);
        buf_fini(&b);
    }
}

static void table_has_long_values(void **state)
{
    (void)state;
    table_in_write(table_long_values);
}

static void table_numbers(struct txn *t)
{
    struct fault f = FAULT_NONE;
    uint64_t v = 0;
    assert_int_equal(table_get_u64(t, TABLE_NAME, SPAN("n"), &v, &f), ERR_NOTFOUND);
    assert_int_equal(table_put_u64(t, TABLE_NAME, SPAN("n"), UINT64_C(0x0102030405060708), &f),
                     ERR_OK);
    assert_int_equal(table_get_u64(t, TABLE_NAME, SPAN("n"), &v, &f), ERR_OK);
    assert_true(v == UINT64_C(0x0102030405060708));
    table_assert_get(t, SPAN("n"), SPAN("\x08\x07\x06\x05\x04\x03\x02\x01"));
    static const char *const bad[] = {"", "1234567", "123456789"};
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        assert_int_equal(table_put(t, TABLE_NAME, SPAN("n"), span_cstr(bad[i]), &f), ERR_OK);
        assert_int_equal(table_get_u64(t, TABLE_NAME, SPAN("n"), &v, &f), ERR_CORRUPT);
    }
}

static void table_has_numbers(void **state)
{
    (void)state;
    table_in_write(table_numbers);
}

static void table_floors(struct txn *t)
{
    struct fault f = FAULT_NONE;
    struct buf k, v;
    buf_init(&k, 2000);
    buf_init(&v, 2000);
    assert_int_equal(table_last(t, TABLE_NAME, &k, &f), ERR_NOTFOUND);
    assert_int_equal(table_floor(t, TABLE_NAME, SPAN("x"), &k, &v, &f), ERR_NOTFOUND);
    char longer[1500];
    memset(longer, 'p', sizeof longer);
    static const char *const keys[] = {"b", "d", "da", "f"};
    for (size_t i = 0; i < UNIT_COUNT(keys); i++)
        assert_int_equal(table_put(t, TABLE_NAME, span_cstr(keys[i]), span_cstr(keys[i]), &f),
                         ERR_OK);
    static const struct {
        const char *asked, *found;
    } cases[] = {{"a", NULL}, {"b", "b"},   {"c", "b"}, {"d", "d"},
                 {"d0", "d"}, {"db", "da"}, {"f", "f"}, {"zz", "f"}};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        enum err e = table_floor(t, TABLE_NAME, span_cstr(cases[i].asked), &k, &v, &f);
        assert_int_equal(e, cases[i].found ? ERR_OK : ERR_NOTFOUND);
        if (!cases[i].found)
            continue;
        unit_assert_same(buf_span(&k), span_cstr(cases[i].found));
        unit_assert_same(buf_span(&v), span_cstr(cases[i].found));
    }
    assert_int_equal(table_last(t, TABLE_NAME, &k, &f), ERR_OK);
    unit_assert_span(buf_span(&k), "f");
    assert_int_equal(table_put(t, TABLE_NAME, span_of(longer, sizeof longer), SPAN("long"), &f),
                     ERR_OK);
    assert_int_equal(table_last(t, TABLE_NAME, &k, &f), ERR_OK);
    unit_assert_same(buf_span(&k), span_of(longer, sizeof longer));
    assert_int_equal(table_floor(t, TABLE_NAME, SPAN("o"), &k, NULL, &f), ERR_OK);
    unit_assert_span(buf_span(&k), "f");
    assert_int_equal(table_floor(t, TABLE_NAME, SPAN("z"), &k, NULL, &f), ERR_OK);
    assert_int_equal(k.n, sizeof longer);
    buf_fini(&k);
    buf_fini(&v);
}

static void table_finds_floors(void **state)
{
    (void)state;
    table_in_write(table_floors);
}

/* --- walks --- */

#define TABLE_ROWS 3000u

static size_t table_length(size_t i)
{
    return i % 500 == 7 ? 150000 + i : i % 100; /* now and then more than a bulk */
}

static struct span table_row(size_t i, char key[8], char *value)
{
    (void)snprintf(key, 8, "k%06zu", i);
    memset(value, (int)('a' + i % 26), table_length(i));
    return span_of(key, 7);
}

static void table_fill(struct txn *t)
{
    static char value[200000];
    char key[8];
    struct fault f = FAULT_NONE;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        struct span k = table_row(i, key, value);
        assert_int_equal(table_put(t, TABLE_NAME, k, span_of(value, table_length(i)), &f), ERR_OK);
    }
}

static void table_assert_walk(struct txn *t, size_t from, bool few)
{
    static char expected[200000];
    char key[8];
    struct table_walk w;
    struct span k, v;
    struct fault f = FAULT_NONE;
    size_t i = from;
    table_walk(&w, t, TABLE_NAME, from ? table_row(from, key, expected) : SPAN(""), few);
    for (; table_walk_next(&w, &k, &v); i++) {
        unit_assert_same(k, table_row(i, key, expected));
        unit_assert_same(v, span_of(expected, table_length(i)));
    }
    assert_false(table_walk_next(&w, &k, &v));
    unit_assert_ok(table_walk_end(&w, &f), &f);
    assert_int_equal(i, TABLE_ROWS);
}

static void table_walks_in_write(struct txn *t)
{
    table_fill(t);
    table_assert_walk(t, 0, true);
    struct table_walk w;
    struct span k, v;
    struct fault f = FAULT_NONE;
    size_t seen = 0;
    table_walk(&w, t, TABLE_NAME, SPAN(""), false);
    while (table_walk_next(&w, &k, &v)) { /* writes to the rows that it walks over */
        char key[8];
        assert_int_equal(k.n, 7);
        memcpy(key, k.p, 7);
        if (seen % 2)
            assert_int_equal(table_drop(t, TABLE_NAME, span_of(key, 7), &f), ERR_OK);
        else
            assert_int_equal(
                table_put(t, TABLE_NAME, span_of(key, 7), SPAN("new and of another length"), &f),
                ERR_OK);
        seen++;
    }
    unit_assert_ok(table_walk_end(&w, &f), &f);
    assert_int_equal(seen, TABLE_ROWS);
    size_t left = 0;
    table_walk(&w, t, TABLE_NAME, SPAN("k"), false);
    for (; table_walk_next(&w, &k, &v); left++)
        unit_assert_span(v, "new and of another length");
    unit_assert_ok(table_walk_end(&w, &f), &f);
    assert_int_equal(left, TABLE_ROWS / 2);
}

static void table_walks_while_writing(void **state)
{
    (void)state;
    table_in_write(table_walks_in_write);
}

static void table_walks_in_snapshots(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    o.cache_bytes = 32u << 20;
    struct store *st = unit_store_open(&o);
    struct table_case c = {.op = {.apply = table_case_apply}, .run = table_fill};
    assert_int_equal(committer_run(st, &c.op, NULL), ERR_OK);
    struct txn *t = unit_read(st);
    c.run = table_walks_in_write;
    assert_int_equal(committer_run(st, &c.op, NULL), ERR_OK); /* the snapshot does not mind */
    static const size_t starts[] = {0, 1, 7, 8, 1507, 2999};
    for (size_t i = 0; i < UNIT_COUNT(starts); i++) {
        table_assert_walk(t, starts[i], false);
        table_assert_walk(t, starts[i], true);
    }
    struct table_walk w;
    struct span k, v;
    table_walk(&w, t, TABLE_NAME, SPAN("l"), false);
    assert_false(table_walk_next(&w, &k, &v));
    assert_int_equal(table_walk_end(&w, NULL), ERR_OK);
    table_walk(&w, t, TABLE_ALIAS, SPAN(""), true);
    assert_int_equal(table_walk_end(&w, NULL), ERR_OK);
    txn_read_end(&t);
    txn_read_end(&t);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(table_has_rows),
        unit_test_dir(table_has_long_values),
        unit_test_dir(table_has_numbers),
        unit_test_dir(table_finds_floors),
        unit_test_dir(table_walks_while_writing),
        unit_test_dir(table_walks_in_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
