#include "store/uidset.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

static void parse(struct uidset *s, const char *text)
{
    uidset_clear(s);
    while (*text) {
        char *end;
        uint32_t first = (uint32_t)strtoul(text, &end, 10), last = first;
        if (*end == ':')
            last = (uint32_t)strtoul(end + 1, &end, 10);
        uidset_add(s, first, last);
        text = *end == ',' ? end + 1 : end;
    }
}

static void assert_text(const struct uidset *s, const char *expected)
{
    struct buf b;
    buf_init(&b, 10000);
    assert_true(uidset_text(s, &b));
    unit_assert_same(buf_span(&b), span_cstr(expected));
    buf_fini(&b);
}

enum which { ADD, REMOVE, INTERSECT };

static void uidset_cases(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        enum which op;
        const char *b, *result;
    } cases[] = {
        {"", ADD, "", ""},
        {"", ADD, "5", "5"},
        {"1:3", ADD, "4", "1:4"},
        {"1:3", ADD, "5", "1:3,5"},
        {"1:3,5", ADD, "4", "1:5"},
        {"5:7", ADD, "1:3", "1:3,5:7"},
        {"5:7", ADD, "1:4", "1:7"},
        {"5:7", ADD, "6", "5:7"},
        {"5:7,9,11:20", ADD, "6:12", "5:20"},
        {"5:7,9,11:20", ADD, "8,10", "5:20"},
        {"5", ADD, "1:4294967295", "1:4294967295"},
        {"4294967295", ADD, "4294967294", "4294967294:4294967295"},
        {"10,20,30", ADD, "1,15,25,40", "1,10,15,20,25,30,40"},
        {"9,7,5,3,1", ADD, "", "1,3,5,7,9"},
        {"1:10", REMOVE, "", "1:10"},
        {"1:10", REMOVE, "1:10", ""},
        {"1:10", REMOVE, "5", "1:4,6:10"},
        {"1:10", REMOVE, "1", "2:10"},
        {"1:10", REMOVE, "10:20", "1:9"},
        {"1:3,5:7,9:11", REMOVE, "2:10", "1,11"},
        {"1:3,5:7,9:11", REMOVE, "4,8,12", "1:3,5:7,9:11"},
        {"1:3,5:7,9:11", REMOVE, "2,6,10", "1,3,5,7,9,11"},
        {"1:20", REMOVE, "3,5:6,20:30", "1:2,4,7:19"},
        {"1:4294967295", REMOVE, "4294967295", "1:4294967294"},
        {"1:4294967295", REMOVE, "1,4294967295", "2:4294967294"},
        {"2:4,6", REMOVE, "1:5,6:9", ""},
        {"1:10", INTERSECT, "", ""},
        {"1:10", INTERSECT, "1:4294967295", "1:10"},
        {"1:3,5:7,9:11", INTERSECT, "3:9", "3,5:7,9"},
        {"1,3,5", INTERSECT, "2,4,6", ""},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct uidset a = {0}, b = {0};
        parse(&a, cases[i].a);
        parse(&b, cases[i].b);
        (void)uidset_nth(&a, 1); /* an index that must not outlive the change */
        if (cases[i].op == ADD)
            uidset_add_set(&a, &b);
        else if (cases[i].op == REMOVE)
            uidset_remove_set(&a, &b);
        else
            uidset_intersect(&a, &b);
        assert_text(&a, cases[i].result);
        uidset_fini(&a);
        uidset_fini(&b);
    }
}

/* --- against a table of bits --- */

#define WORLD 200

static void assert_like(struct uidset *s, const bool *in)
{
    uint32_t count = 0, first = 0, last = 0;
    for (uint32_t uid = 1; uid < WORLD; uid++) {
        assert_int_equal(uidset_has(s, uid), in[uid]);
        count += in[uid];
        first = in[uid] && !first ? uid : first;
        last = in[uid] ? uid : last;
        assert_int_equal(uidset_rank(s, uid), count);
        if (in[uid])
            assert_int_equal(uidset_nth(s, count), uid);
    }
    for (uint32_t uid = WORLD - 1, next = 0; uid > 0; uid--) {
        next = in[uid] ? uid : next;
        assert_int_equal(uidset_next(s, uid), next);
    }
    assert_int_equal(uidset_count(s), count);
    assert_int_equal(uidset_first(s), first);
    assert_int_equal(uidset_last(s), last);
    assert_int_equal(uidset_empty(s), count == 0);
    assert_int_equal(uidset_nth(s, count + 1), 0);
    assert_int_equal(uidset_nth(s, 0), 0);
    for (size_t i = 1; i < s->n; i++)
        assert_true(s->ranges[i].first > s->ranges[i - 1].last + 1);
}

static void uidset_random(void **state)
{
    (void)state;
    struct uidset s = {0}, other = {0};
    bool in[WORLD] = {false};
    srand(7);
    for (int step = 0; step < 3000; step++) {
        uint32_t first = 1 + (uint32_t)rand() % (WORLD - 1), last = first + (uint32_t)rand() % 9;
        last = last < WORLD ? last : WORLD - 1;
        int what = rand() % 5;
        uidset_clear(&other);
        for (uint32_t uid = first; uid <= last; uid += 2)
            uidset_add(&other, uid, uid);
        for (uint32_t uid = 1; uid < WORLD; uid++) {
            bool range = uid >= first && uid <= last, odd = range && (uid - first) % 2 == 0;
            in[uid] = what == 0   ? in[uid] || range
                      : what == 1 ? in[uid] && !range
                      : what == 2 ? in[uid] || odd
                      : what == 3 ? in[uid] && !odd
                                  : in[uid];
        }
        if (what == 0)
            uidset_add(&s, first, last);
        else if (what == 1)
            uidset_remove(&s, first, last);
        else if (what == 2)
            uidset_add_set(&s, &other);
        else if (what == 3)
            uidset_remove_set(&s, &other);
        assert_like(&s, in);
    }
    uidset_fini(&s);
    uidset_fini(&other);
}

static void uidset_packed(void **state)
{
    (void)state;
    static const char *const good[] = {"", "1", "1:3,5,4294967295", "1:4294967295",
                                       "4294967294:4294967295"};
    struct uidset s = {0}, back = {0};
    struct buf b;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        parse(&s, good[i]);
        buf_init(&b, 1000);
        assert_true(uidset_pack(&s, &b));
        assert_true(uidset_unpack(&back, buf_span(&b)));
        assert_text(&back, good[i]);
        buf_fini(&b);
    }
    static const struct span bad[] = {
        {"\1\0\0\0\1\0\0", 7},                            /* cut */
        {"\0\0\0\0\1\0\0\0", 8},                          /* begins with 0 */
        {"\2\0\0\0\1\0\0\0", 8},                          /* backwards */
        {"\1\0\0\0\2\0\0\0\2\0\0\0\5\0\0\0", 16},         /* overlap */
        {"\1\0\0\0\2\0\0\0\3\0\0\0\5\0\0\0", 16},         /* adjacent */
        {"\7\0\0\0\7\0\0\0\1\0\0\0\5\0\0\0", 16},         /* descending */
        {"\1\0\0\0\xff\xff\xff\xff\1\0\0\0\5\0\0\0", 16}, /* behind the end */
    };
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        parse(&back, "1:9");
        assert_false(uidset_unpack(&back, bad[i]));
        assert_true(uidset_empty(&back));
    }
    parse(&s, "1,3");
    buf_init(&b, 10);
    assert_false(uidset_pack(&s, &b));
    buf_fini(&b);
    buf_init(&b, 2);
    assert_false(uidset_text(&s, &b));
    buf_fini(&b);
    uidset_copy(&back, &s);
    uidset_add(&s, 9, 9);
    assert_text(&back, "1,3");
    uidset_fini(&s);
    uidset_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uidset_cases),
        cmocka_unit_test(uidset_random),
        cmocka_unit_test(uidset_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
