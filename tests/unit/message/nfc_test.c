#include "message/nfc.h"

#include "tests/unit/unit_arena.h"

/* clang-format off */
static const struct { const char *in, *normal, *folded; } rows[] = {
    {"", "", ""},
    {"Sent", "Sent", "sent"},
    {"\u00c9t\u00e9", "\u00c9t\u00e9", "\u00e9t\u00e9"},
    {"E\u0301te\u0301", "\u00c9t\u00e9", "\u00e9t\u00e9"},
    {"\u212b", "\u00c5", "\u00e5"},                          /* Angstrom sign: a singleton */
    {"o\u0323\u0302", "\u1ed9", "\u1ed9"},
    {"o\u0302\u0323", "\u1ed9", "\u1ed9"},                   /* the order of marks does not count */
    {"\u1112\u1161\u11ab", "\ud55c", "\ud55c"},              /* Hangul */
    {"\u304b\u3099", "\u304c", "\u304c"},                    /* kana */
    {"\u0958", "\u0915\u093c", "\u0915\u093c"},              /* excluded from composition: grows */
    {"\ufb01", "\ufb01", "fi"},                              /* compatibility is kept by NFC */
    {"stra\u00dfe", "stra\u00dfe", "strasse"},
};
/* clang-format on */

static void texts_become_normal(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span in = span_cstr(rows[i].in), normal = nfc_normal(a, in), folded;
        unit_assert_same(normal, span_cstr(rows[i].normal));
        unit_assert_same(nfc_normal(a, normal), span_cstr(rows[i].normal));
        assert_int_equal(normal.p == in.p, strcmp(rows[i].in, rows[i].normal) == 0);
        assert_true(nfc_folded(a, in, &folded));
        unit_assert_same(folded, span_cstr(rows[i].folded));
    }
}

static void what_is_no_text_stays(void **state)
{
    struct arena *a = *state;
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "e\xcc\x81\xfe"};
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct span in = span_cstr(bad[i]), out;
        assert_ptr_equal(nfc_normal(a, in).p, in.p);
        assert_false(nfc_folded(a, in, &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_normal),
        cmocka_unit_test(what_is_no_text_stays),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
