#include "message/encode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void names_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum encode_kind kind;
    } cases[] = {
        {"7bit", ENCODE_7BIT},           {" Base64\r\n", ENCODE_BASE64},
        {"QUOTED-PRINTABLE", ENCODE_QP}, {"\t8BIT ", ENCODE_8BIT},
        {"binary", ENCODE_BINARY},       {"x-uuencode", ENCODE_UNKNOWN},
        {"base64url", ENCODE_UNKNOWN},   {"", ENCODE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(encode_named(span_cstr(cases[i].name)), cases[i].kind);
}

static void hexadecimal_digits_are_known(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;
        int want = at ? (int)(at - digits) % 16 : -1;
        assert_int_equal(encode_hex_digit((unsigned char)c), want);
    }
}

#define TEN "          "
#define EIGHTY TEN TEN TEN TEN TEN TEN TEN TEN

/* clang-format off */
static const struct decode_case { enum encode_kind kind; const char *in, *out; } decode_cases[] = {
    {ENCODE_7BIT,    "a=20 \r\n",                    "a=20 \r\n"},
    {ENCODE_UNKNOWN, "YQ==",                         "YQ=="},
    {ENCODE_BASE64,  "",                             ""},
    {ENCODE_BASE64,  "Zg==",                         "f"},              /* RFC 4648 §10 */
    {ENCODE_BASE64,  "Zm8=",                         "fo"},
    {ENCODE_BASE64,  "Zm9v",                         "foo"},
    {ENCODE_BASE64,  "Zm9vYg==",                     "foob"},
    {ENCODE_BASE64,  "Zm9vYmE=",                     "fooba"},
    {ENCODE_BASE64,  "Zm9vYmFy",                     "foobar"},
    {ENCODE_BASE64,  "Zm9v\r\nYmFy\r\n",             "foobar"},
    {ENCODE_BASE64,  "Z m\t9-v!Y.m,F_y",             "foobar"},         /* foreign bytes */
    {ENCODE_BASE64,  "Zm9vYg",                       "foob"},           /* padding missing */
    {ENCODE_BASE64,  "Zm9vYmE",                      "fooba"},
    {ENCODE_BASE64,  "Zm9vY",                        "foo"},            /* one digit is nothing */
    {ENCODE_BASE64,  "Zg==Zg==",                     "ff"},             /* padding in the middle */
    {ENCODE_BASE64,  "Zm8=\r\nZm9v",                 "fofoo"},
    {ENCODE_BASE64,  "====",                         ""},
    {ENCODE_QP,      "plain text",                   "plain text"},
    {ENCODE_QP,      "=41=4a=4A",                    "AJJ"},
    {ENCODE_QP,      "Now's the time =\r\nfor all",  "Now's the time for all"},   /* RFC 2045 §6.7 */
    {ENCODE_QP,      "a=\nb",                        "ab"},
    {ENCODE_QP,      "a= \t \r\nb",                  "ab"},
    {ENCODE_QP,      "a  \t\r\nb \nc",               "a\r\nb\nc"},
    {ENCODE_QP,      " a  b ",                       " a  b"},
    {ENCODE_QP,      "a=20\r\nb=09\r\n",             "a \r\nb\t\r\n"},
    {ENCODE_QP,      "=XY=4Z==41=",                  "=XY=4Z=A"},
    {ENCODE_QP,      "=4",                           "=4"},
    {ENCODE_QP,      "=4=41",                        "=4A"},
    {ENCODE_QP,      "=4\r\n=\r\r\n",                "=4\r\n=\r\r\n"},
    {ENCODE_QP,      "a \rb\r\rc\r",                 "a \rb\r\rc\r"},
    {ENCODE_QP,      "= x=",                         "= x"},
    {ENCODE_QP,      "\r\n\r\n \r\n",                "\r\n\r\n\r\n"},
    {ENCODE_QP,      "a=3D=3D\xC3\xA9=C3=A9",        "a==\xC3\xA9\xC3\xA9"},
    {ENCODE_QP,      "x" EIGHTY TEN "\r\ny",         "x" EIGHTY "\r\ny"}, /* too much for held */
    {ENCODE_QP,      "x=" EIGHTY "\r\ny",            "x=" EIGHTY "\b\r\ny"},
};
/* clang-format on */

/* A backspace in an expectation takes back the byte before it: "\b" after EIGHTY says 79. */
static size_t expected(const char *z, char *out)
{
    size_t n = 0;
    for (; *z; z++)
        n = *z == '\b' ? n - 1 : (out[n] = *z, n + 1);
    return n;
}

/* Decodes in pieces of at most piece bytes, each a copy of its own so that a sanitizer sees
 * overruns. */
static void decode_in_pieces(enum encode_kind kind, struct span in, size_t piece, struct buf *out,
                             uint64_t *bytes)
{
    struct encode_decoder d = ENCODE_DECODER(kind), m = d;
    for (size_t at = 0; at < in.n; at += piece) {
        struct span part = span_to(span_from(in, at), piece);
        assert_true(encode_decode(&d, part, false, out));
        encode_measure(&m, part, false, bytes);
    }
    assert_true(encode_decode(&d, (struct span){NULL, 0}, true, out));
    encode_measure(&m, (struct span){NULL, 0}, true, bytes);
}

static void decodes_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof decode_cases / sizeof *decode_cases; i++) {
        char want[256];
        size_t want_n = expected(decode_cases[i].out, want);
        struct span in = span_cstr(decode_cases[i].in);
        for (size_t piece = 1; piece <= in.n + 1; piece++) {
            struct buf out;
            uint64_t bytes = 0;
            buf_init(&out, 1000);
            decode_in_pieces(decode_cases[i].kind, in, piece, &out, &bytes);
            if (!span_eq(buf_span(&out), span_of(want, want_n)) || bytes != want_n)
                fail_msg("case %zu in pieces of %zu: \"%.*s\"", i, piece, SPAN_ARG(buf_span(&out)));
            buf_fini(&out);
        }
    }
}

/* Bytes that are likely to meet in bad places. */
static unsigned noise(char *out, size_t n, unsigned seed)
{
    static const char alphabet[] = "= \t\r\n4AfZ=\r\n  +/\xC3";
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        out[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }
    return seed;
}

static void noise_decodes_alike_in_any_pieces(void **state)
{
    (void)state;
    static const enum encode_kind kinds[] = {ENCODE_BASE64, ENCODE_QP};
    char in[700];
    unsigned seed = 7;
    for (int round = 0; round < 60; round++) {
        seed = noise(in, sizeof in, seed);
        for (size_t k = 0; k < 2; k++) {
            struct buf whole, cut;
            uint64_t whole_bytes = 0, cut_bytes = 0;
            buf_init(&whole, sizeof in);
            buf_init(&cut, sizeof in);
            decode_in_pieces(kinds[k], span_of(in, sizeof in), sizeof in, &whole, &whole_bytes);
            decode_in_pieces(kinds[k], span_of(in, sizeof in), 1 + (size_t)round % 7, &cut,
                             &cut_bytes);
            assert_true(span_eq(buf_span(&whole), buf_span(&cut)));
            assert_true(whole_bytes == whole.n && cut_bytes == cut.n);
            buf_fini(&whole);
            buf_fini(&cut);
        }
    }
}

static void large_input_passes_in_blocks(void **state)
{
    (void)state;
    struct buf in, out;
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    for (int i = 0; i < 10000; i++)
        assert_true(buf_addz(&in, "TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsu\r\n"));
    struct encode_decoder d = ENCODE_DECODER(ENCODE_BASE64);
    assert_true(encode_decode(&d, buf_span(&in), true, &out));
    assert_int_equal(out.n, 270000);
    assert_memory_equal(out.p + 269973, "Many hands make light work.", 27);
    buf_fini(&in);
    buf_fini(&out);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 2);
    struct encode_decoder d = ENCODE_DECODER(ENCODE_BASE64);
    assert_false(encode_decode(&d, SPAN("Zm9v"), true, &out));
    assert_true(out.full);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known),
        cmocka_unit_test(hexadecimal_digits_are_known),
        cmocka_unit_test(decodes_in_any_pieces),
        cmocka_unit_test(noise_decodes_alike_in_any_pieces),
        cmocka_unit_test(large_input_passes_in_blocks),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
