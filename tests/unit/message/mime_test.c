#include "message/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Each part as "kind parent.number header_at,body_at,end_at decoded lines type/subtype;" */
static void put_parts(struct buf *out, const struct mime_message *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const struct outline_part *r = &m->parts[i].row;
        buf_addf(out, "%c%u.%u %u,%u,%u %u %u ", "LMR"[r->kind], r -> parent, r -> number,
                 (unsigned)r -> header_at, (unsigned)r -> body_at, (unsigned)r -> end_at,
                 (unsigned)r -> decoded_bytes, (unsigned)r -> lines);
        buf_addf(out, "%.*s/%.*s;", SPAN_ARG(r->type), SPAN_ARG(r->subtype));
    }
}

/* Feeds text in pieces: the first of first bytes, the others of rest bytes. */
static void parse(struct buf *out, struct span text, size_t first, size_t rest,
                  const struct outline_limits *limits)
{
    struct mime *m = mime_new(limits);
    struct mime_message found;
    for (size_t n = first; text.n > 0; n = rest) {
        struct arena *a = arena_new(); /* so that a read past the piece is noticed */
        struct span piece = arena_keep(a, span_to(text, n));
        mime_feed(m, piece);
        text = span_from(text, piece.n);
        arena_free(&a);
    }
    mime_end(m, &found);
    put_parts(out, &found);
    mime_free(&m);
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

/* clang-format off */
static const struct { const char *in, *parts; } cases[] = {
    {"", "L0.1 0,0,0 0 0 text/plain;"},
    {"\r\n", "L0.1 0,2,2 0 0 text/plain;"},
    {"\r\nbody", "L0.1 0,2,6 4 0 text/plain;"},
    {"A: b", "L0.1 0,4,4 0 0 text/plain;"},
    {"A: b\r\n", "L0.1 0,6,6 0 0 text/plain;"},
    {"A: b\r\n\r", "L0.1 0,7,7 0 0 text/plain;"},
    {"A: b\r\n\r\none\r\ntwo\r\n", "L0.1 0,8,18 10 2 text/plain;"},
    {"A: b\n\none\n\n", "L0.1 0,6,11 5 2 text/plain;"},
    {"A: b\r\n \r\n\r\none\rtwo\r\r\n", "L0.1 0,11,21 10 1 text/plain;"},
    {"no field\r\n--x\r\n\r\none\r\n", "L0.1 0,17,22 5 1 text/plain;"},
    /* RFC 2046 §5.1.1 */
    {MIXED("a") "pre\r\n--a\r\n\r\none\r\n--a\r\n\r\ntwo\r\n\r\n--a--\r\nepilogue\r\n--a\r\n",
     "M0.1 0,45,98 53 11 multipart/mixed;L0.1 55,57,60 3 0 text/plain;L0.2 67,69,74 5 1 text/plain;"},
    {"Content-Type: multipart/mixed; boundary=a\n\npre\n--a\n\none\n--a\n\ntwo\n\n--a--\nepilogue\n",
     "M0.1 0,43,81 38 10 multipart/mixed;L0.1 51,52,55 3 0 text/plain;L0.2 60,61,65 4 1 text/plain;"},
    {MIXED("a") "--a\r\n\r\none\n--a\n\ntwo\r\n--a--",
     "M0.1 0,45,71 26 6 multipart/mixed;L0.1 50,52,55 3 0 text/plain;L0.2 60,61,64 3 0 text/plain;"},
    {MIXED("a") "--a\r\n\r\none\r\n", /* never closed */
     "M0.1 0,45,57 12 3 multipart/mixed;L0.1 50,52,57 5 1 text/plain;"},
    {MIXED("a") "--a\r\n\r\n--a\r\n\r\n\r\n--a--", /* empty parts */
     "M0.1 0,45,66 21 5 multipart/mixed;L0.1 50,52,52 0 0 text/plain;L0.2 57,59,59 0 0 text/plain;"},
    {MIXED("a") "--a\r\nA: b\r\n--a\r\nC: d", /* headers without an end */
     "M0.1 0,45,65 20 3 multipart/mixed;L0.1 50,56,56 0 0 text/plain;L0.2 61,65,65 0 0 text/plain;"},
    {MIXED("a") "--a", "M0.1 0,45,48 3 0 multipart/mixed;L0.1 48,48,48 0 0 text/plain;"},
    {MIXED("a") "--a\r", "M0.1 0,45,49 4 0 multipart/mixed;L0.1 49,49,49 0 0 text/plain;"},
    {MIXED("a") "--a\r\n\r\nx\r\n--a", "M0.1 0,45,58 13 3 multipart/mixed;L0.1 50,52,53 1 0 text/plain;"},
    {MIXED("a") "--a\r\n\r\nx\r\n--a--\r", "M0.1 0,45,61 16 3 multipart/mixed;L0.1 50,52,53 1 0 text/plain;"},
    /* no parts: an empty one stands in */
    {MIXED("a") "--a--\r\n", "M0.1 0,45,52 7 1 multipart/mixed;L0.1 52,52,52 0 0 text/plain;"},
    {MIXED("a") "text\r\n", "M0.1 0,45,51 6 1 multipart/mixed;L0.1 51,51,51 0 0 text/plain;"},
    {"Content-Type: multipart/mixed; boundary=a", "M0.1 0,41,41 0 0 multipart/mixed;L0.1 41,41,41 0 0 text/plain;"},
    /* no boundary: a leaf */
    {"Content-Type: multipart/mixed\r\n\r\n--\r\n----\r\n", "L0.1 0,33,43 10 2 text/plain;"},
    {"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n----\r\n", "L0.1 0,46,56 10 2 text/plain;"},
    /* transport padding, and lines that are no delimiters */
    {MIXED("a") "--a \t\r\n\r\n --a\r\n-- a\r\n-a\r\n--A\r\n---a\r\n--\r\n-\r\n--a-- \t \r\nx",
     "M0.1 0,45,99 54 10 multipart/mixed;L0.1 52,54,86 32 6 text/plain;"},
    /* what follows a boundary on its line does not matter */
    {MIXED("a") "--ab\r\n\r\none\r\n--a x\r\n\r\ntwo\r\n--a--- \r\nx",
     "M0.1 0,45,82 37 7 multipart/mixed;L0.1 51,53,56 3 0 text/plain;L0.2 65,67,70 3 0 text/plain;"},
    /* an outer boundary ends what is inside */
    {MIXED("a") "--a\r\n" MIXED("b") "--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--b\r\n\r\n--a--",
     "M0.1 0,45,131 86 11 multipart/mixed;M0.1 50,95,105 10 2 multipart/mixed;L1.1 100,102,105 3 0 text/plain;"
     "L0.2 112,114,124 10 2 text/plain;"},
    {MIXED("a") "--a\r\n" MIXED("b") "--b--\r\n--a--", /* the inner one has no part and ends at once */
     "M0.1 0,45,107 62 4 multipart/mixed;M0.1 50,95,100 5 0 multipart/mixed;L1.1 100,100,100 0 0 text/plain;"},
    {MIXED("a") "--a\r\n" MIXED("b") "--a--", /* nor anything else */
     "M0.1 0,45,100 55 3 multipart/mixed;M0.1 50,95,95 0 0 multipart/mixed;L1.1 95,95,95 0 0 text/plain;"},
    /* equal boundaries: the innermost is meant; boundaries that begin alike */
    {MIXED("a") "--a\r\n" MIXED("a") "--a\r\n\r\none\r\n--a--\r\n--a\r\n\r\ntwo\r\n--a--\r\n",
     "M0.1 0,45,133 88 11 multipart/mixed;M0.1 50,95,112 17 3 multipart/mixed;L1.1 100,102,105 3 0 text/plain;"
     "L0.2 119,121,124 3 0 text/plain;"},
    {MIXED("ab") "--ab\r\n" MIXED("a") "--a\r\n\r\none\r\n--ab\r\n\r\ntwo\r\n--ab--",
     "M0.1 0,46,128 82 9 multipart/mixed;M0.1 52,97,107 10 2 multipart/mixed;L1.1 102,104,107 3 0 text/plain;"
     "L0.2 115,117,120 3 0 text/plain;"},
    {MIXED("ab") "--ab\r\n" MIXED("a") "--a\r\n\r\none\r\n--abx\r\n\r\ntwo\r\n--ab--", /* the longest is meant */
     "M0.1 0,46,129 83 9 multipart/mixed;M0.1 52,97,107 10 2 multipart/mixed;L1.1 102,104,107 3 0 text/plain;"
     "L0.2 116,118,121 3 0 text/plain;"},
    {MIXED("a") "--a\r\n" MIXED("ab") "--ab\r\n\r\none\r\n--abx\r\n\r\ntwo\r\n--ab--\r\n--a--",
     "M0.1 0,45,136 91 10 multipart/mixed;M0.1 50,96,129 33 6 multipart/mixed;L1.1 102,104,107 3 0 text/plain;"
     "L1.2 116,118,121 3 0 text/plain;"},
    {MIXED("a") "--a\r\n" MIXED("a--") "--a--\r\n\r\none\r\n--a----\r\n--a--\r\n",
     "M0.1 0,45,127 82 8 multipart/mixed;M0.1 50,97,118 21 3 multipart/mixed;L1.1 104,106,109 3 0 text/plain;"},
    /* multipart/digest, RFC 2046 §5.1.5 */
    {"Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nA: b\r\n\r\none\r\n--a\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--a--",
     "M0.1 0,46,109 63 9 multipart/digest;R0.1 51,53,64 11 2 message/rfc822;L1.1 53,61,64 3 0 text/plain;"
     "L0.2 71,99,102 3 0 text/plain;"},
    /* a message in a message in a message; its header may have no end either */
    {"Content-Type: message/rfc822\r\n\r\nContent-Type: MESSAGE/Global\r\n\r\nA: b\r\n\r\none\r\n",
     "R0.1 0,32,77 45 5 message/rfc822;R0.1 32,64,77 13 3 message/global;L1.1 64,72,77 5 1 text/plain;"},
    {MIXED("a") "--a\r\nContent-Type: message/rfc822\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--a--",
     "M0.1 0,45,134 89 6 multipart/mixed;R0.1 50,80,80 0 0 message/rfc822;L1.1 80,80,80 0 0 text/plain;"
     "R0.2 85,117,129 12 1 message/rfc822;L3.1 117,129,129 0 0 text/plain;"},
    {"Content-Type: message/partial\r\n\r\nA: b\r\n\r\none", "L0.1 0,33,44 11 2 message/partial;"},
    /* decoded sizes do not see the line end before a delimiter */
    {MIXED("a") "--a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\nb\r\n\r\n--\r\n-\r\n--a\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n--a--",
     "M0.1 0,45,174 129 13 multipart/mixed;L0.1 50,97,113 11 4 text/plain;L0.2 120,157,167 5 1 text/plain;"},
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D \r\n", "L0.1 0,47,54 4 1 text/plain;"},
    {"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8", "L0.1 0,37,44 5 0 text/plain;"},
    {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\n\r\nbG8=",
     "R0.1 0,67,79 12 2 message/rfc822;L0.1 67,75,79 4 0 text/plain;"},
};
/* clang-format on */

static void check(size_t i, const struct buf *got, const char *want)
{
    if (!span_eq(buf_span(got), span_cstr(want)))
        fail_msg("case %zu: %.*s\n      wanted: %s", i, SPAN_ARG(buf_span(got)), want);
}

static void parts_are_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf got;
        buf_init(&got, 10000);
        parse(&got, span_cstr(cases[i].in), SIZE_MAX, SIZE_MAX, &outline_limits_default);
        check(i, &got, cases[i].parts);
        buf_fini(&got);
    }
}

static void pieces_make_no_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span in = span_cstr(cases[i].in);
        struct buf got;
        buf_init(&got, 10000);
        for (size_t first = 1; first < in.n; first++) {
            buf_reset(&got);
            parse(&got, in, first, SIZE_MAX, &outline_limits_default);
            check(i, &got, cases[i].parts);
        }
        for (size_t size = 1; size < 20; size++) {
            buf_reset(&got);
            parse(&got, in, size, size, &outline_limits_default);
            check(i, &got, cases[i].parts);
        }
        buf_fini(&got);
    }
}

#define MESSAGE "Content-Type: message/rfc822\r\n\r\n"
#define LEAF "--a\r\n\r\nx\r\n"

/* clang-format off */
static const struct { unsigned depth, parts; const char *in, *found; } limited[] = {
    {1, 99, MIXED("a") LEAF, "L0.1 0,45,55 10 3 application/octet-stream;"},
    {2, 99, MIXED("a") LEAF, "M0.1 0,45,55 10 3 multipart/mixed;L0.1 50,52,55 3 1 text/plain;"},
    {2, 99, MESSAGE MESSAGE "\r\nx", "R0.1 0,32,67 35 3 message/rfc822;L0.1 32,64,67 3 1 application/octet-stream;"},
    {2, 99, MIXED("a") "--a\r\n" MIXED("b") "--b\r\n\r\nx\r\n--a--", /* the outer one still ends */
     "M0.1 0,45,110 65 6 multipart/mixed;L0.1 50,95,103 8 2 application/octet-stream;"},
    /* the last part takes all the rest */
    {99, 1, "\r\nx", "L0.1 0,2,3 1 0 application/octet-stream;"},
    {99, 2, MIXED("a") LEAF LEAF "--a--", "M0.1 0,45,70 25 6 multipart/mixed;L0.1 50,52,70 18 4 application/octet-stream;"},
    {99, 3, MIXED("a") LEAF LEAF LEAF "--a--",
     "M0.1 0,45,80 35 9 multipart/mixed;L0.1 50,52,53 1 0 text/plain;L0.2 60,62,80 18 4 application/octet-stream;"},
    /* a message in a message, and the stand-in for no parts, are never that last one */
    {99, 2, MESSAGE "\r\nx", "L0.1 0,32,35 3 1 application/octet-stream;"},
    {99, 3, MESSAGE "\r\nx", "R0.1 0,32,35 3 1 message/rfc822;L0.1 32,34,35 1 0 text/plain;"},
    {99, 2, MIXED("a") "x", "L0.1 0,45,46 1 0 application/octet-stream;"},
    {99, 3, MIXED("a") "x", "M0.1 0,45,46 1 0 multipart/mixed;L0.1 46,46,46 0 0 text/plain;"},
};
/* clang-format on */

static void limits_leave_opaque_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        for (size_t size = 1; size < 200; size++) {
            struct outline_limits limits = outline_limits_default;
            struct buf got;
            limits.depth_count = limited[i].depth;
            limits.part_count = limited[i].parts;
            buf_init(&got, 10000);
            parse(&got, span_cstr(limited[i].in), size, size, &limits);
            check(i, &got, limited[i].found);
            buf_fini(&got);
        }
}

static void date_and_subject_are_the_messages_own(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    struct mime_message found;
    mime_feed(m, SPAN("Subject: outer\r\n one\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n" MESSAGE
                      "Subject: inner\r\nDate: Mon, 7 Feb 2000 21:52:25 -0800\r\n\r\n"));
    mime_end(m, &found);
    assert_true(span_eq(found.subject, SPAN("outer one")));
    assert_true(found.dated);
    assert_int_equal(found.sent.zone_minutes, -480);
    assert_int_equal(found.sent.utc, 760686745);
    assert_true(found.parts[1].envelope.n > 10);
    mime_free(&m);
}

static void a_long_subject_is_cut_between_characters(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    struct mime_message found;
    mime_feed(m, SPAN("Subject: x"));
    for (int i = 0; i < 600; i++)
        mime_feed(m, SPAN("\xc3\xa9"));
    mime_end(m, &found);
    assert_int_equal(found.subject.n, 999);
    mime_free(&m);
}

/* --- hostile input: what is slow or deep in a naive parser ---------------------------------------------------- */

static void feed_often(struct mime *m, size_t times, struct span piece)
{
    while (times-- > 0)
        mime_feed(m, piece);
}

static uint32_t parts_of(struct mime *m)
{
    struct mime_message found;
    mime_end(m, &found);
    mime_free(&m);
    return found.n;
}

static void deep_nesting_is_bounded(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    char text[100];
    for (int i = 0; i < 100000; i++) {
        int n = snprintf(text, sizeof text, MIXED("b%d.") "--b%d.\r\n", i, i);
        mime_feed(m, span_of(text, (size_t)n));
    }
    assert_int_equal(parts_of(m), 100);
    m = mime_new(&outline_limits_default);
    feed_often(m, 100000, SPAN(MIXED("same") "--same\r\n")); /* beyond the limit: siblings */
    assert_int_equal(parts_of(m), 10000);
    m = mime_new(&outline_limits_default);
    feed_often(m, 100000, SPAN(MESSAGE));
    assert_int_equal(parts_of(m), 100);
}

/* clang-format off */
static const char *const preview_cases[][2] = {
    {"Subject: x\r\n\r\nHello,\r\nworld\r\n", "Hello, world"},
    {"Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n", "hello"},
    {"Content-Type: image/png\r\n\r\nx", ""},
    {MIXED("a") "not this\r\n--a\r\nContent-Type: image/png\r\n\r\nnor this\r\n--a\r\n\r\n \r\n"
     "--a\r\nContent-Disposition: attachment\r\n\r\nno\r\n--a\r\nContent-Type: text/html\r\n\r\n<b>this</b>\r\n-- \r\n"
     "--a\r\n\r\nand no more\r\n--a--\r\n", "this --"},
    {MIXED("a") "--a\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\ninner\r\n--a--", "inner"},
};
/* clang-format on */

static void previews_are_of_the_first_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof preview_cases / sizeof *preview_cases; i++) {
        for (size_t step = 1; step < 500; step += 61) {
            struct mime *m = mime_new(&outline_limits_default);
            struct mime_message found;
            for (struct span in = span_cstr(preview_cases[i][0]); in.n > 0;) {
                struct span piece = span_to(in, step);
                mime_feed(m, piece);
                in = span_from(in, piece.n);
            }
            mime_end(m, &found);
            if (!span_eq(found.preview, span_cstr(preview_cases[i][1])))
                fail_msg("case %zu: \"%.*s\"", i, SPAN_ARG(found.preview));
            mime_free(&m);
        }
    }
}

static void a_million_parts_are_bounded(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    mime_feed(m, SPAN(MIXED("a")));
    feed_often(m, 1000000, SPAN("--a\r\n\r\n"));
    assert_int_equal(parts_of(m), 10000);
    m = mime_new(&outline_limits_default);
    mime_feed(m, SPAN(MIXED("a")));
    feed_often(m, 100000, SPAN("--a\r\n" MESSAGE "From: a,a,a,a\r\n\r\nx\r\n"));
    assert_int_equal(parts_of(m), 10000);
}

#define ALIKE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A hundred open boundaries that begin alike, and lines that are none of them. */
static void similar_boundaries_are_told_apart(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    struct buf text;
    buf_init(&text, 100000);
    for (int i = 0; i < 99; i++) {
        buf_addz(&text, "Content-Type: multipart/mixed; boundary=");
        buf_addf(&text, ALIKE "%02d\r\n\r\n--" ALIKE "%02d\r\n", i, i);
    }
    buf_addz(&text, "\r\n");
    mime_feed(m, buf_span(&text));
    feed_often(m, 100000, SPAN("--aaaaaaab\n--\n--b\n--" ALIKE "x\n"));
    mime_feed(m, SPAN("--" ALIKE "02\n\nx\n--" ALIKE "00--\n"));
    assert_int_equal(parts_of(m), 101);
    buf_fini(&text);
}

static void huge_headers_are_bounded(void **state)
{
    (void)state;
    struct mime *m = mime_new(&outline_limits_default);
    struct mime_message found;
    feed_often(m, 500000, SPAN("To: a@b\r\n"));
    mime_end(m, &found);
    assert_int_equal(found.n, 1);
    assert_true(found.parts[0].envelope.n < 1000 * 30);
    mime_free(&m);
    m = mime_new(&outline_limits_default);
    mime_feed(m, SPAN("Subject: "));
    feed_often(m, 100000, SPAN("0123456789012345678901234567890123456789")); /* one line of 4 MB */
    mime_end(m, &found);
    assert_true(found.parts[0].envelope.n < outline_limits_default.field_bytes + 100);
    mime_free(&m);
    m = mime_new(&outline_limits_default);
    mime_feed(m, SPAN("Content-Type: text/plain"));
    char text[100];
    for (int i = 0; i < 100000; i++) {
        int n = snprintf(text, sizeof text, ";\r\n filename*%d=x", i);
        mime_feed(m, span_of(text, (size_t)n));
    }
    mime_end(m, &found);
    assert_true(span_eq(found.parts[0].row.type, SPAN("text")));
    assert_true(found.parts[0].head.n < 10000);
    mime_free(&m);
}

/* Each header is within its limits, but the texts of all parts are more than a record can hold. */
static void texts_are_bounded_together(void **state)
{
    (void)state;
    struct outline_limits limits = outline_limits_default;
    limits.header_bytes = 64u << 20;
    for (int large = 0; large < 2; large++) {
        struct mime *m = mime_new(&limits);
        struct mime_message found;
        struct buf subject;
        buf_init(&subject, 1000000);
        while (large && subject.n < 200000)
            buf_addz(&subject, "0123456789");
        for (int i = 0; i < 90; i++) {
            mime_feed(m, SPAN("Content-Type: message/rfc822\r\nSubject: "));
            mime_feed(m, buf_span(&subject));
            mime_feed(m, SPAN("\r\n\r\n"));
        }
        mime_end(m, &found);
        assert_int_equal(found.too_large, large);
        buf_fini(&subject);
        mime_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_where_they_are),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(limits_leave_opaque_parts),
        cmocka_unit_test(date_and_subject_are_the_messages_own),
        cmocka_unit_test(a_long_subject_is_cut_between_characters),
        cmocka_unit_test(deep_nesting_is_bounded),
        cmocka_unit_test(previews_are_of_the_first_text),
        cmocka_unit_test(a_million_parts_are_bounded),
        cmocka_unit_test(similar_boundaries_are_told_apart),
        cmocka_unit_test(huge_headers_are_bounded),
        cmocka_unit_test(texts_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
