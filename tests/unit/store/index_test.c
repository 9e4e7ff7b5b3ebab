#include "store/index.h"

#include "tests/unit/store/unit_index.h"

/* A piece of the text of some body, from any byte to any other; at least 3 bytes. */
static struct span random_needle(struct store *st, struct arena *a)
{
    struct body_text b;
    struct span piece, found = SPAN("");
    bool more = true;
    struct txn *t = unit_read(st);
    body_text_init(&b);
    while (found.n < 3) {
        body_text_begin(&b, unit_bodies[unit_random((uint32_t)unit_body_count)], BODY_TEXT_ALL, 0);
        unit_ok(body_text_step(&b, t, &piece, &more, f));
        size_t at = unit_random((uint32_t)piece.n);
        found = arena_keep(a, span_to(span_from(piece, at), 3 + unit_random(30)));
        found = span_to(found, span_find(found, BODY_TEXT_DIVIDER));
    }
    body_text_fini(&b);
    txn_read_end(&t);
    return found;
}

static void index_is_never_wrong(void **state)
{
    (void)state;
    static const unsigned whats[] = {BODY_TEXT_ALL, BODY_TEXT_HEADER, BODY_TEXT_BODY};
    struct store *st = unit_index_open();
    struct arena *a = arena_new();
    for (unsigned round = 0; round < 4; round++) {
        unit_index_fill(st, 150);
        if (round < 3) /* the rest stays in the tail, or not, as housekeeping likes */
            unit_index_all(st);
        for (unsigned i = 0; i < 60; i++) {
            struct span needle = random_needle(st, a);
            assert_true(unit_index_never_wrong(st, whats[i % 3], needle) > 0 || i % 3 > 0);
        }
        arena_reset(a);
    }
    arena_free(&a);
    unit_mail_close(&st);
}

/* What no body has is ruled out, in the family that is asked for; needles that are too short rule nothing out. */
static void index_rules_out(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    unit_index_fill(st, 300);
    unit_index_all(st);
    assert_int_equal(unit_index_state(st).indexed, 300);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQ")), 0);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_BODY, SPAN("CONTENT-TYPE")), 0);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_HEADER, SPAN("CONTENT-TYPE")), 300);
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQ")), 300);
    size_t parts = unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("X-PART: ZAN"));
    assert_true(parts > 30 && parts < 120);
    unit_mail_close(&st);
}

static void index_joins_needles(void **state)
{
    (void)state;
    static unsigned char maybe[300], one[300], two[300];
    struct store *st = unit_index_open();
    unit_index_fill(st, 300);
    unit_index_all(st);
    const struct span needles[] = {SPAN("ZANZIBAR"), SPAN("MEETING"), SPAN("")};
    struct txn *t = unit_read(st);
    memset(maybe, 1, sizeof maybe);
    memset(one, 1, sizeof one);
    memset(two, 1, sizeof two);
    maybe[7] = one[7] = 0; /* stays so */
    unit_ok(index_filter(t, needles, 3, unit_bodies, 300, maybe, f));
    unit_ok(index_filter(t, needles, 1, unit_bodies, 300, one, f));
    unit_ok(index_filter(t, needles + 1, 1, unit_bodies, 300, two, f));
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(maybe[i], one[i] && two[i]);
    /* some of them: one, and none that is there */
    unsigned char some[3] = {1, 1, 1};
    const uint64_t ids[] = {unit_bodies[0] - 1, unit_bodies[299], unit_bodies[299] + 1};
    unit_ok(index_filter(t, &(struct span){"QQQ", 3}, 1, ids, 3, some, f));
    assert_true(some[0] && !some[1] && some[2]);
    unit_ok(index_filter(t, needles, 1, NULL, 0, NULL, f));
    txn_read_end(&t);
    unit_mail_close(&st);
}

static void index_survives_damage(void **state)
{
    (void)state;
    struct store *st = unit_index_open();
    unsigned char maybe[20];
    unit_index_fill(st, 20);
    unit_index_all(st);
    assert_int_equal(unit_put(st, TABLE_INDEX, span_of("h\0\0\0\0\0\0\0\1", 9), SPAN("\2\0")),
                     ERR_OK);
    struct txn *t = unit_read(st);
    memset(maybe, 1, sizeof maybe);
    unit_ok(index_filter(t, &(struct span){"QQQ", 3}, 1, unit_bodies, 20, maybe, f));
    assert_true(maybe[0] && maybe[19]);
    txn_read_end(&t);
    unit_check_finds(st, "I1", "search index");
    unit_ok(index_build_anew(housekeeping_index(st), NULL, NULL, f));
    assert_int_equal(unit_index_never_wrong(st, BODY_TEXT_ALL, SPAN("QQQ")), 0);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(index_is_never_wrong),
        unit_test_dir(index_rules_out),
        unit_test_dir(index_joins_needles),
        unit_test_dir(index_survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
