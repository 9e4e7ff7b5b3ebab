#include "store/outline_walk.h"

#include "tests/unit/store/unit_mail.h"

#define BODIES 400

/* Rows of our own: ids 1,000, 1,003, 1,006, ..., each with a record that tells its id. */
static uint64_t id_of(unsigned i)
{
    return 1000 + 3 * (uint64_t)i;
}

static void fill(struct txn *t)
{
    for (unsigned i = 0; i < BODIES; i++) {
        struct schema_key k;
        char text[2000];
        memset(text, 'x', sizeof text);
        int n = snprintf(text, sizeof text, "%u ", i);
        text[n] = 'y';
        unit_ok(
            table_put(t, TABLE_OUTLINE, schema_id_key(&k, id_of(i)), span_of(text, 10 + i * 4), f));
    }
}

static void get(struct outline_walk *w, struct txn *t, unsigned i)
{
    struct span record;
    char head[20];
    int n = snprintf(head, sizeof head, "%u y", i);
    unit_ok(outline_walk_get(w, t, id_of(i), &record, f));
    assert_int_equal(record.n, 10 + i * 4);
    unit_assert_same(span_to(record, (size_t)n), span_of(head, (size_t)n));
}

static void in_order(struct txn *t)
{
    struct outline_walk w;
    outline_walk_init(&w);
    for (unsigned i = 0; i < BODIES; i++)
        get(&w, t, i);
    assert_true(w.walking);
    unit_ok(outline_walk_rest(&w, f));
    assert_false(w.walking);
    get(&w, t, 7);
    unit_ok(outline_walk_rest(&w, f));
    outline_walk_fini(&w);
}

/* Steps of all sizes, back and forth, twice the same: always the right one. */
static void in_disorder(struct txn *t)
{
    struct outline_walk w;
    outline_walk_init(&w);
    unsigned at = 0;
    for (unsigned n = 1; n < 3000; n++) {
        at = (at + (n % 97 == 0 ? 131 : n % 7 < 5 ? n % 3 : 6)) % BODIES;
        get(&w, t, at);
        if (n % 113 == 0)
            unit_ok(outline_walk_rest(&w, f));
    }
    unit_ok(outline_walk_rest(&w, f));
    outline_walk_fini(&w);
}

static void not_there(struct txn *t)
{
    struct outline_walk w;
    struct span record;
    outline_walk_init(&w);
    for (unsigned i = 0; i < 20; i++)
        get(&w, t, i);
    assert_true(w.walking);
    unit_err(outline_walk_get(&w, t, id_of(20) - 1, &record, f), ERR_NOTFOUND);
    get(&w, t, 20);
    for (unsigned i = BODIES - 10; i < BODIES; i++)
        get(&w, t, i);
    unit_err(outline_walk_get(&w, t, id_of(BODIES), &record, f), ERR_NOTFOUND);
    unit_err(outline_walk_get(&w, t, id_of(BODIES) + 1, &record, f), ERR_NOTFOUND);
    unit_ok(outline_walk_rest(&w, f));
    outline_walk_fini(&w);
}

/* They belong to no body: the store is left as the check wants it. */
static void empty(struct txn *t)
{
    for (unsigned i = 0; i < BODIES; i++) {
        struct schema_key k;
        unit_ok(table_drop(t, TABLE_OUTLINE, schema_id_key(&k, id_of(i)), f));
    }
}

static void walk_all(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, fill);
    unit_run(st, in_order);
    unit_run(st, in_disorder);
    unit_run(st, not_there);
    unit_run(st, empty);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(walk_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
