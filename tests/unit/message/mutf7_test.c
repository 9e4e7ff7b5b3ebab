#include "message/mutf7.h"

#include "common/utf8.h"
#include "tests/unit/unit_arena.h"

#include <stdio.h>

/* clang-format off */
static const struct { const char *utf8, *wire; } both_ways[] = {
    {"", ""},
    {"INBOX", "INBOX"},
    {"a&b", "a&-b"},
    {"&&", "&-&-"},
    {"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, /* RFC 3501 §5.1.3 */
    {"Entw\u00fcrfe", "Entw&APw-rfe"},
    {"\u263a!", "&Jjo-!"},
    {"\u53f0\u5317\u65e5\u672c\u8a9e", "&U,BTF2XlZyyKng-"},
    {"\U0001f4e7", "&2D3c5w-"},
    {"\u00e9&\u00e9", "&AOk-&-&AOk-"},
    {"\u00e9-", "&AOk--"},
    {"\x01", "&AAE-"},
    {"\x7f", "&AH8-"},
    {"+/,", "+/,"},
};

static const char *const refused[] = {
    "&", "a&", "&AOk", "&AOk\xc3\xa9-",       /* no end */
    "&Jjo!", "&Jjo-&Jjo-", "&U,BTFw-&ZeVnLIqe-", /* RFC 3501 §5.1.3: two shifts for one */
    "&AGE-", "&ACY-", "&AOkAYQ-",             /* what stands for itself was encoded */
    "&A-", "&AO-", "&AOkA-", "&AOl-",         /* bits left over */
    "&AO/-", "&AO=-", "&AO k-",               /* foreign digits */
    "&2D0-", "&3Oc-", "&2D3YPQ-",             /* half a surrogate pair */
    "\xc3\xa9", "a\x01", "a\x7f", "a\r\n",    /* not printable ASCII */
};
/* clang-format on */

static void both_ways_agree(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof both_ways / sizeof *both_ways; i++) {
        struct span utf8 = span_cstr(both_ways[i].utf8), wire = span_cstr(both_ways[i].wire), got;
        got = mutf7_encode(a, utf8);
        if (!span_eq(got, wire))
            fail_msg("case %zu encodes as %.*s", i, SPAN_ARG(got));
        if (!mutf7_decode(a, wire, &got) || !span_eq(got, utf8))
            fail_msg("case %zu does not decode", i);
    }
}

static void other_forms_are_refused(void **state)
{
    struct span got;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (mutf7_decode(*state, span_cstr(refused[i]), &got))
            fail_msg("%s was taken", refused[i]);
    }
}

static void every_character_comes_back(void **state)
{
    struct arena *a = *state;
    for (uint32_t cp = 0; cp <= 0x10ffff; cp += cp < 0x3000 ? 1 : 37) {
        char text[9] = "x";
        struct span got;
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        size_t n = 1 + utf8_put(cp, text + 1);
        text[n++] = 'y';
        assert_true(mutf7_decode(a, mutf7_encode(a, span_of(text, n)), &got));
        assert_true(span_eq(got, span_of(text, n)));
        arena_reset(a);
    }
}

static void long_runs_fit(void **state)
{
    struct arena *a = *state;
    char text[3 * 400];
    struct span got;
    for (size_t i = 0; i < 400; i++)
        memcpy(text + 3 * i, "\xe2\x98\xba", 3);
    assert_true(mutf7_decode(a, mutf7_encode(a, span_of(text, sizeof text)), &got));
    assert_true(span_eq(got, span_of(text, sizeof text)));
}

/* Whatever decodes is the only form of its name. */
static void only_one_form_decodes(void **state)
{
    static const char alphabet[] = "&&--AOkJjowg,2D3c5wz";
    struct arena *a = *state;
    unsigned seed = 3, taken = 0;
    for (int round = 0; round < 20000; round++) {
        char in[12];
        struct span got;
        for (size_t i = 0; i < sizeof in; i++) {
            seed = seed * 1103515245u + 12345u;
            in[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        size_t n = 1 + seed % sizeof in;
        if (mutf7_decode(a, span_of(in, n), &got)) {
            assert_true(utf8_valid(got));
            assert_true(span_eq(mutf7_encode(a, got), span_of(in, n)));
            taken++;
        }
        arena_reset(a);
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(every_character_comes_back),
        cmocka_unit_test(long_runs_fit),
        cmocka_unit_test(only_one_form_decodes),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
