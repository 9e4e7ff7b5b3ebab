#include "message/fold.h"

#include "common/utf8.h"
#include "tests/unit/unit_arena.h"

#include <stdio.h>

/* clang-format off */
static const struct { const char *in, *out; } cases[] = {
    {"", ""},
    {"Hello, World 09 [\\]^_`{|}~\x7f\n", "HELLO, WORLD 09 [\\]^_`{|}~\x7f\n"},
    {"\u01c4", "Dz\u030c"},                     /* RFC 5051 §2: titlecase U+01C5, then apart */
    {"\u01c6", "Dz\u030c"},
    {"\u00e9", "E\u0301"},
    {"\u00c9", "E\u0301"},
    {"e\u0301", "E\u0301"},
    {"\u00df\u1e9e", "\u1e9e\u1e9e"},           /* utf8proc's own: UnicodeData.txt has no titlecase for it */
    {"\u0436\u0416", "\u0416\u0416"},
    {"\u03c3\u03c2\u03a3", "\u03a3\u03a3\u03a3"},
    {"\uff41", "\x41"},                         /* fullwidth a: titlecase is fullwidth A, then compatibility */
    {"\ufb01", "fi"},                           /* a ligature has no titlecase of its own */
    {"\u212b\u00c5", "A\u030aA\u030a"},
    {"\uac00", "\u1100\u1161"},
    {"\u2460", "1"},
    {"\u65e5\u672c", "\u65e5\u672c"},
    {"\U00010428", "\U00010400"},
    {"a\xff" "b\xc3", "A\ufffd" "B\ufffd"},
};

static const struct { const char *text, *key; bool found; } finds[] = {
    {"Caf\u00e9 au lait", "CAFE\u0301", true},
    {"CAFE\u0301", "\u00e9", true},
    {"Stra\u00dfe", "STRA\u00dfE", true},
    {"\u041f\u0440\u0438\u0432\u0435\u0442", "\u043f\u0420\u0418", true},
    {"needle in hay", "NEEDLES", false},
    {"anything", "", true},
    {"", "", true},
    {"", "a", false},
    {"ends in key", "KEY", true},
};
/* clang-format on */

static void text_folds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_true(fold_text(span_cstr(cases[i].in), &out));
        if (!span_eq(buf_span(&out), span_cstr(cases[i].out)))
            fail_msg("case %zu: %.*s", i, SPAN_ARG(buf_span(&out)));
        buf_fini(&out);
    }
}

static void keys_are_found(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        struct span text = fold_key(a, span_cstr(finds[i].text)),
                    key = fold_key(a, span_cstr(finds[i].key));
        if (fold_find(text, key) != finds[i].found)
            fail_msg("%s in %s", finds[i].key, finds[i].text);
    }
}

/* Every character fits in the room that fold_key makes, folds to UTF-8, and alone as well as
 * among others. */
static void every_character_folds(void **state)
{
    struct arena *a = *state;
    struct buf all, one;
    buf_init(&all, 16 << 20);
    buf_init(&one, 16 << 20);
    struct buf text;
    buf_init(&text, 8 << 20);
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char utf8[4];
        if ((cp >= 0xd800 && cp <= 0xdfff) || (cp > 0x30000 && cp % 64 != 0))
            continue;
        struct span c = span_of(utf8, utf8_put(cp, utf8));
        struct span key = fold_key(a, c);
        assert_true(key.n > 0 && utf8_valid(key));
        assert_true(buf_add(&text, c) && buf_add(&one, key));
        arena_reset(a);
    }
    assert_true(fold_text(buf_span(&text), &all));
    assert_true(span_eq(buf_span(&all), buf_span(&one)));
    buf_fini(&all);
    buf_fini(&one);
    buf_fini(&text);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 3);
    assert_false(fold_text(SPAN("four"), &out));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_folds),
        cmocka_unit_test(keys_are_found),
        cmocka_unit_test(every_character_folds),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
