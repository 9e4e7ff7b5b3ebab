#include "common/utf8.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

/* clang-format off */
static const struct {
    struct span in;
    uint32_t cp; /* if it is valid */
    bool valid;
} utf8_chars[] = {
    {{"\0", 1},                0x0,      true},
    {{"a", 1},                 'a',      true},
    {{"\x7f", 1},              0x7f,     true},
    {{"\x80", 1},              0,        false},
    {{"\xbf", 1},              0,        false},
    {{"\xc0\x80", 2},          0,        false}, /* overlong */
    {{"\xc1\xbf", 2},          0,        false},
    {{"\xc2\x80", 2},          0x80,     true},
    {{"\xc3\xa4", 2},          0xe4,     true},
    {{"\xdf\xbf", 2},          0x7ff,    true},
    {{"\xc3", 1},              0,        false}, /* cut */
    {{"\xc3\x28", 2},          0,        false},
    {{"\xc3\xc3", 2},          0,        false},
    {{"\xe0\x9f\xbf", 3},      0,        false}, /* overlong */
    {{"\xe0\xa0\x80", 3},      0x800,    true},
    {{"\xe2\x82\xac", 3},      0x20ac,   true},
    {{"\xe2\x82", 2},          0,        false},
    {{"\xe2\x82\x28", 3},      0,        false},
    {{"\xed\x9f\xbf", 3},      0xd7ff,   true},
    {{"\xed\xa0\x80", 3},      0,        false}, /* surrogates */
    {{"\xed\xbf\xbf", 3},      0,        false},
    {{"\xee\x80\x80", 3},      0xe000,   true},
    {{"\xef\xbf\xbf", 3},      0xffff,   true},
    {{"\xf0\x8f\xbf\xbf", 4},  0,        false}, /* overlong */
    {{"\xf0\x90\x80\x80", 4},  0x10000,  true},
    {{"\xf0\x9f\x93\xa7", 4},  0x1f4e7,  true},
    {{"\xf0\x9f\x93", 3},      0,        false},
    {{"\xf0\x9f\x93\x28", 4},  0,        false},
    {{"\xf4\x8f\xbf\xbf", 4},  0x10ffff, true},
    {{"\xf4\x90\x80\x80", 4},  0,        false}, /* above U+10FFFF */
    {{"\xf5\x80\x80\x80", 4},  0,        false},
    {{"\xf8\x88\x80\x80\x80", 5}, 0,     false},
    {{"\xfe", 1},              0,        false},
    {{"\xff\xff", 2},          0,        false},
};
/* clang-format on */

/* In a malloc of its own, so that ASan sees a byte read too many. */
static struct span utf8_exact(struct span before, struct span s, char **mem)
{
    *mem = malloc(before.n + s.n + 1);
    assert_non_null(*mem);
    char *end = *mem + 1;
    memcpy(end, before.p, before.n);
    memcpy(end + before.n, s.p, s.n);
    return span_of(end, before.n + s.n);
}

static void utf8_tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(utf8_chars); i++) {
        struct span in = utf8_chars[i].in;
        uint32_t cp = 0;
        assert_int_equal(utf8_next(in, &cp), utf8_chars[i].valid ? in.n : 0);
        if (utf8_chars[i].valid) {
            char out[4];
            assert_int_equal(cp, utf8_chars[i].cp);
            assert_int_equal(utf8_put(cp, out), in.n);
            assert_memory_equal(out, in.p, in.n);
        }
        for (size_t lead = 0; lead <= 20; lead++) { /* wherever it stands to the steps of 8 */
            char *mem;
            struct span s = utf8_exact(span_of("abcdefghijklmnopqrst", lead), in, &mem);
            assert_int_equal(utf8_valid(s), utf8_chars[i].valid);
            assert_int_equal(utf8_ascii(s), utf8_chars[i].valid && in.n == 1);
            free(mem);
        }
    }
}

static void utf8_mixed(void **state)
{
    (void)state;
    assert_true(utf8_valid((struct span){NULL, 0}));
    assert_true(utf8_ascii((struct span){NULL, 0}));
    uint32_t cp;
    assert_int_equal(utf8_next((struct span){NULL, 0}, &cp), 0);
    assert_true(utf8_valid(SPAN("Gr\xc3\xbc\xc3\x9f"
                                "e aus M\xc3\xbcnchen an \xe2\x82\xac 12345678901234567890")));
    assert_false(utf8_valid(SPAN("Gr\xc3\xbc\xc3\x9f"
                                 "e aus M\xfcnchen 12345678901234567890")));
    assert_false(utf8_ascii(SPAN("12345678\xc3\xbc"
                                 "12345678")));
    assert_false(utf8_ascii(SPAN("1234\xc3\xbc")));
    assert_int_equal(utf8_next(SPAN("\xc3\xa4xyz"), &cp), 2);
    assert_int_equal(cp, 0xe4);
}

/* Every code point there and back; what is none becomes U+FFFD. */
static void utf8_all(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110000; cp++) {
        char out[4];
        uint32_t back = 0;
        size_t n = utf8_put(cp, out);
        bool none = cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff);
        if (utf8_next(span_of(out, n), &back) != n || back != (none ? 0xfffd : cp))
            fail_msg("U+%04X", cp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_tells),
        cmocka_unit_test(utf8_mixed),
        cmocka_unit_test(utf8_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
