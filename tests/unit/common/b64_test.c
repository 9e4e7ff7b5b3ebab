#include "common/b64.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    struct span plain, coded;
} b64_pairs[] = { /* the first seven: RFC 4648 §10 */
    {{"", 0},       {"", 0}},
    {{"f", 1},      {"Zg==", 4}},
    {{"fo", 2},     {"Zm8=", 4}},
    {{"foo", 3},    {"Zm9v", 4}},
    {{"foob", 4},   {"Zm9vYg==", 8}},
    {{"fooba", 5},  {"Zm9vYmE=", 8}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\0ann\0pw", 7},       {"AGFubgBwdw==", 12}},
    {{"\xff\xef\xbe\xfb", 4}, {"/+++" "+w==", 8}},
};
static const char *const b64_wrong[] = {
    "A", "AA", "AAA", "AA=", "A===", "====", "=", "AAAAA", "AA==AA==", "AA=A", "=AAA", "A=AA",
    "AAA-", "AAA_", "AAA ", " AAA", "AAAA\r\n", "AA\r\n", "AAA*", "AAA\x80", "AAA\xff",
    "AB==", "AAB=", "Zh==", "Zm9=", /* bits that are not zero: RFC 4648 §3.5 */
};
/* clang-format on */

static void b64_round_trips(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(b64_pairs); i++) {
        struct buf b;
        buf_init(&b, b64_pairs[i].coded.n);
        assert_true(b64_encode(b64_pairs[i].plain, &b));
        assert_true(span_eq(buf_span(&b), b64_pairs[i].coded));
        if (b64_pairs[i].plain.n) {
            assert_false(b64_encode(b64_pairs[i].plain, &b));
            assert_true(b.full);
            assert_true(span_eq(buf_span(&b), b64_pairs[i].coded));
        }
        struct span back = {"x", 1};
        assert_true(b64_decode(a, buf_span(&b), &back));
        assert_true(span_eq(back, b64_pairs[i].plain));
        buf_fini(&b);
    }
    arena_free(&a);
}

static void b64_all_bytes(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct buf b;
        struct span back;
        buf_init(&b, 1000);
        assert_true(b64_encode(span_of(bytes, n), &b));
        assert_true(b64_decode(a, buf_span(&b), &back));
        assert_true(span_eq(back, span_of(bytes, n)));
        buf_fini(&b);
    }
    arena_free(&a);
}

static void b64_refuses(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(b64_wrong); i++) {
        struct span out;
        if (b64_decode(a, span_cstr(b64_wrong[i]), &out))
            fail_msg("\"%s\" was taken for base64", b64_wrong[i]);
    }
    arena_free(&a);
}

static void b64_digits(void **state)
{
    (void)state;
    const char *all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int c = 0; c < 256; c++) {
        const char *at = c ? strchr(all, c) : NULL;
        assert_int_equal(b64_digit((unsigned char)c), at ? at - all : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b64_round_trips),
        cmocka_unit_test(b64_all_bytes),
        cmocka_unit_test(b64_refuses),
        cmocka_unit_test(b64_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
