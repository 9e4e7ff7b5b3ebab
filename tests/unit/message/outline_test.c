#include "message/outline.h"
#include "message/digest.h"

#include "tests/unit/unit_arena.h"

#include <stdio.h>

/* Adds the record of text, fed in pieces of piece bytes. */
static void record_of(struct buf *out, struct span text, size_t piece,
                      const struct outline_limits *limits)
{
    struct outline_parser *p = outline_new(limits);
    while (text.n > 0) {
        outline_feed(p, span_to(text, piece));
        text = span_from(text, piece < text.n ? piece : text.n);
    }
    outline_end(p, out);
    outline_free(&p);
    assert_null(p);
}

static struct outline outline_of(struct buf *out, struct span text)
{
    struct outline o;
    buf_init(out, OUTLINE_RECORD_MAX);
    record_of(out, text, SIZE_MAX, &outline_limits_default);
    assert_true(outline_open(buf_span(out), &o));
    return o;
}

static void check(size_t i, struct span got, const char *want)
{
    if (!span_eq(got, span_cstr(want)))
        fail_msg("case %zu: %.*s\n   wanted: %s", i, SPAN_ARG(got), want);
}

/* --- BODY and BODYSTRUCTURE ------------------------------------------------------------------------------------- */

#define DEFAULT "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
#define NO_ENVELOPE "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

/* clang-format off */
static const struct { const char *in, *bodystructure, *body; } cases[] = {
    {"", "(" DEFAULT " 0 0 NIL NIL NIL NIL)", "(" DEFAULT " 0 0)"},
    /* the message of RFC 9051 §8 */
    {"MIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\ntwo\r\n",
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2 NIL NIL NIL NIL)",
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2)"},
    /* RFC 9051 §7.5.2: two text parts, the second with a name, an id and a description */
    {"Content-Type: multipart/MIXED; boundary=b\r\n\r\n"
     "--b\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\n\r\n"
     "--b\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=cc.diff\r\nContent-ID: <960723163407.20117h@cac.washington.edu>\r\n"
     "Content-Description: Compiler diff\r\nContent-Transfer-Encoding: BASE64\r\n\r\nZm9v\r\n--b--\r\n",
     "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL)"
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \"<960723163407.20117h@cac.washington.edu>\" "
     "\"Compiler diff\" \"BASE64\" 4 0 NIL NIL NIL NIL) \"MIXED\" (\"boundary\" \"b\") NIL NIL NIL)",
     "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 5 1)"
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \"<960723163407.20117h@cac.washington.edu>\" "
     "\"Compiler diff\" \"BASE64\" 4 0) \"MIXED\")"},
    {"Content-Type: multipart/mixed; boundary=b\r\nContent-Language: en\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n"
     "Content-Disposition: attachment; filename=x.eml\r\n\r\nSubject: in\r\n\r\nx\r\n--b--",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
     "(" DEFAULT " 1 0 NIL NIL NIL NIL) 2 NIL (\"attachment\" (\"filename\" \"x.eml\")) NIL NIL) "
     "\"mixed\" (\"boundary\" \"b\") NIL (\"en\") NIL)",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
     "(" DEFAULT " 1 0) 2) \"mixed\")"},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
     "((" DEFAULT " 0 0 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)", "((" DEFAULT " 0 0) \"mixed\")"},
    {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 2 " NO_ENVELOPE " (" DEFAULT " 0 0 NIL NIL NIL NIL) 1 NIL NIL NIL NIL)"
     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 2 " NO_ENVELOPE " (" DEFAULT " 0 0 NIL NIL NIL NIL) 1 NIL NIL NIL NIL) "
     "\"digest\" (\"boundary\" \"b\") NIL NIL NIL)",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 2 " NO_ENVELOPE " (" DEFAULT " 0 0) 1)"
     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 2 " NO_ENVELOPE " (" DEFAULT " 0 0) 1) \"digest\")"},
    /* two multiparts and two messages end with the same line */
    {"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
     "Content-Type: multipart/y; boundary=c\r\n\r\n--c\r\nContent-Type: image/gif\r\n\r\n",
     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 151 " NO_ENVELOPE " ((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 73 " NO_ENVELOPE
     " ((\"image\" \"gif\" NIL NIL NIL \"7bit\" 0 NIL NIL NIL NIL) \"y\" (\"boundary\" \"c\") NIL NIL NIL) 5 NIL NIL NIL NIL) "
     "\"x\" (\"boundary\" \"b\") NIL NIL NIL) 10 NIL NIL NIL NIL)",
     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 151 " NO_ENVELOPE " ((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 73 " NO_ENVELOPE
     " ((\"image\" \"gif\" NIL NIL NIL \"7bit\" 0) \"y\") 5) \"x\") 10)"},
};
/* clang-format on */

static void structures_are_as_the_grammar_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf record;
        struct outline o = outline_of(&record, span_cstr(cases[i].in));
        check(i, o.bodystructure, cases[i].bodystructure);
        check(i, outline_body(&o, arena), cases[i].body);
        buf_fini(&record);
    }
}

/* --- the example of RFC 9051 §6.4.5.1 ----------------------------------------------------------------------------- */

#define PART(type, text) "Content-Type: " type "\r\n\r\n" text "\r\n"
static const char example[] =
    "Subject: =?utf-8?Q?=C3=89?=\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\nFrom: "
    "ann@a.test\r\n"
    "Content-Type: multipart/mixed; boundary=A\r\n\r\npreamble\r\n"
    "--A\r\n" PART(
        "text/plain; charset=UTF-8",
        "one") "--A\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: "
               "attachment\r\n" PART(
                   "application/octet-stream",
                   "dHdv") "--A\r\nContent-Type: "
                           "message/rfc822\r\n\r\nSubject: "
                           "three\r\nContent-Type: multipart/mixed; "
                           "boundary=B\r\n\r\n"
                           "--B\r\n" PART("text/plain", "three.one") "--B\r\n" PART(
                               "application/octet-stream",
                               "three.two") "--B--\r\n"
                                            "--A\r\nContent-Type: "
                                            "multipart/mixed; "
                                            "boundary=C\r\n\r\n"
                                            "--C\r\n" PART(
                                                "image/gif",
                                                "four.one") "--"
                                                            "C\r\nCon"
                                                            "tent-"
                                                            "Type: "
                                                            "message/"
                                                            "rfc822\r"
                                                            "\n\r\nSu"
                                                            "bject: "
                                                            "four."
                                                            "two\r\nC"
                                                            "ontent-"
                                                            "Type: "
                                                            "multipar"
                                                            "t/"
                                                            "mixed; "
                                                            "boundary"
                                                            "=D\r\n\r"
                                                            "\n"
                                                            "--"
                                                            "D\r"
                                                            "\n" PART(
                                                                "text"
                                                                "/pla"
                                                                "in",
                                                                "four"
                                                                ".two"
                                                                ".on"
                                                                "e") "--D\r\nContent-Type: "
                                                                     "multipart/alternative; "
                                                                     "boundary=E\r\n\r\n"
                                                                     "--E\r\n" PART("text/plain", "four.two.two.one") "--E\r\n" PART(
                                                                         "text/richtext",
                                                                         "four.two.two.two") "--E--"
                                                                                             "\r\n-"
                                                                                             "-D--"
                                                                                             "\r\n-"
                                                                                             "-C--"
                                                                                             "\r\n"
                                                                                             "--"
                                                                                             "A\r\n"
                                                                                             "Conte"
                                                                                             "nt-"
                                                                                             "Type:"
                                                                                             " mess"
                                                                                             "age/"
                                                                                             "rfc82"
                                                                                             "2\r\n"
                                                                                             "\r\nS"
                                                                                             "ubjec"
                                                                                             "t: "
                                                                                             "five"
                                                                                             "\r\n"
                                                                                             "\r\nf"
                                                                                             "ive."
                                                                                             "one\r"
                                                                                             "\n--"
                                                                                             "A--"
                                                                                             "\r\ne"
                                                                                             "pilog"
                                                                                             "ue\r"
                                                                                             "\n";

/* clang-format off */
static const struct { uint32_t numbers[5]; size_t n; const char *type, *subtype, *body; } sections[] = {
    {{0}, 0, "multipart", "mixed", NULL},
    {{1}, 1, "text", "plain", "one"},
    {{2}, 1, "application", "octet-stream", "dHdv"},
    {{3}, 1, "message", "rfc822", NULL},
    {{3, 1}, 2, "text", "plain", "three.one"},
    {{3, 2}, 2, "application", "octet-stream", "three.two"},
    {{4}, 1, "multipart", "mixed", NULL},
    {{4, 1}, 2, "image", "gif", "four.one"},
    {{4, 2}, 2, "message", "rfc822", NULL},
    {{4, 2, 1}, 3, "text", "plain", "four.two.one"},
    {{4, 2, 2}, 3, "multipart", "alternative", NULL},
    {{4, 2, 2, 1}, 4, "text", "plain", "four.two.two.one"},
    {{4, 2, 2, 2}, 4, "text", "richtext", "four.two.two.two"},
    {{5}, 1, "message", "rfc822", "Subject: five\r\n\r\nfive.one"},
    {{5, 1}, 2, "text", "plain", "five.one"},
};
static const struct { uint32_t numbers[5]; size_t n; } no_sections[] = {
    {{0}, 1}, {{6}, 1}, {{UINT32_MAX}, 1}, {{1, 1}, 2}, {{1, 0}, 2}, {{3, 0}, 2}, {{3, 3}, 2}, {{3, 1, 1}, 3},
    {{4, 3}, 2}, {{4, 2, 2, 3}, 4}, {{4, 2, 2, 2, 1}, 5}, {{5, 2}, 2}, {{5, 1, 1}, 3},
};
/* clang-format on */

static void sections_are_found(void **state)
{
    (void)state;
    struct buf record;
    struct outline o = outline_of(&record, span_cstr(example));
    struct outline_part p;
    uint32_t at;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        assert_true(outline_section(&o, sections[i].numbers, sections[i].n, &at));
        assert_true(outline_part(&o, at, &p));
        check(i, p.type, sections[i].type);
        check(i, p.subtype, sections[i].subtype);
        if (sections[i].body)
            check(i, span_of(example + p.body_at, (size_t)(p.end_at - p.body_at)),
                  sections[i].body);
    }
    for (size_t i = 0; i < sizeof no_sections / sizeof *no_sections; i++)
        assert_false(outline_section(&o, no_sections[i].numbers, no_sections[i].n, &at));
    buf_fini(&record);
}

static void messages_in_messages_are_found(void **state)
{
    (void)state;
    static const struct {
        uint32_t numbers[2];
        size_t n;
        const char *header;
    } inner[] = {
        {{3}, 1, "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"},
        {{4, 2}, 2, "Subject: four.two\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n"},
        {{5}, 1, "Subject: five\r\n\r\n"},
    };
    struct buf record;
    struct outline o = outline_of(&record, span_cstr(example));
    struct outline_part outer, p;
    uint32_t at, hidden;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        assert_true(outline_section(&o, inner[i].numbers, inner[i].n, &at));
        assert_true(outline_message(&o, at, &hidden));
        assert_true(outline_part(&o, at, &outer) && outline_part(&o, hidden, &p));
        check(i, span_of(example + p.header_at, (size_t)(p.body_at - p.header_at)),
              inner[i].header);
        assert_int_equal(p.header_at, outer.body_at);
        assert_int_equal(p.end_at, outer.end_at);
        assert_int_equal(p.parent, at);
    }
    assert_false(outline_message(&o, 0, &hidden));
    assert_false(outline_message(&o, 1, &hidden));
    assert_false(outline_message(&o, o.parts, &hidden));
    buf_fini(&record);
}

static void the_record_says_what_was_found(void **state)
{
    (void)state;
    struct buf record;
    struct outline o = outline_of(&record, span_cstr(example));
    struct outline_part p;
    assert_int_equal(o.bytes, sizeof example - 1);
    assert_int_equal(o.header_bytes, strstr(example, "preamble") - example);
    assert_true(o.dated);
    assert_int_equal(o.sent.utc, 760686745);
    assert_int_equal(o.sent.zone_minutes, -480);
    assert_int_equal(o.parts, 17);
    check(
        0, o.envelope,
        "(\"Mon, 7 Feb 1994 21:52:25 -0800\" \"=?utf-8?Q?=C3=89?=\" ((NIL NIL \"ann\" \"a.test\")) "
        "((NIL NIL \"ann\" \"a.test\")) ((NIL NIL \"ann\" \"a.test\")) NIL NIL NIL NIL NIL)");
    check(1, o.subject, "\xc3\x89");
    assert_true(outline_part(&o, 1, &p));
    check(2, p.charset, "utf-8");
    assert_false(p.attachment);
    assert_int_equal(p.encoding, ENCODE_7BIT);
    assert_true(outline_part(&o, 2, &p));
    assert_int_equal(p.encoding, ENCODE_BASE64);
    assert_int_equal(p.decoded_bytes, 3);
    assert_true(p.attachment);
    assert_int_equal(p.number, 2);
    assert_false(outline_part(&o, o.parts, &p));
    buf_fini(&record);
}

/* {1} of a message without parts is its body; a message in it has numbers below that. */
static void messages_without_parts_have_one(void **state)
{
    (void)state;
    struct buf record;
    struct outline o = outline_of(&record, SPAN("Subject: x\r\n\r\nbody"));
    uint32_t at, hidden;
    assert_true(outline_section(&o, (uint32_t[]){1}, 1, &at));
    assert_int_equal(at, 0);
    assert_false(outline_section(&o, (uint32_t[]){2}, 1, &at));
    assert_false(outline_section(&o, (uint32_t[]){1, 1}, 2, &at));
    assert_int_equal(o.dated, false);
    buf_fini(&record);
    o = outline_of(
        &record,
        SPAN("Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n\r\nx"));
    assert_true(outline_section(&o, (uint32_t[]){1}, 1, &at) && at == 0);
    assert_true(outline_section(&o, (uint32_t[]){1, 1}, 2, &at) && at == 1);
    assert_true(outline_section(&o, (uint32_t[]){1, 1, 1}, 3, &at) && at == 2);
    assert_false(outline_section(&o, (uint32_t[]){1, 1, 1, 1}, 4, &at));
    assert_true(outline_message(&o, 0, &hidden) && hidden == 1);
    assert_true(outline_message(&o, 1, &hidden) && hidden == 2);
    assert_false(outline_message(&o, 2, &hidden));
    buf_fini(&record);
}

/* --- pieces, damage, limits --------------------------------------------------------------------------------------- */

static void pieces_make_no_difference(void **state)
{
    (void)state;
    struct buf whole, other;
    outline_of(&whole, span_cstr(example));
    for (size_t piece = 1; piece < 100; piece++) {
        buf_init(&other, OUTLINE_RECORD_MAX);
        record_of(&other, span_cstr(example), piece, &outline_limits_default);
        assert_true(span_eq(buf_span(&whole), buf_span(&other)));
        buf_fini(&other);
    }
    buf_fini(&whole);
}

/* Reads everything that a record offers; the sanitizers watch. */
static void read_all(struct span record)
{
    struct outline o;
    struct outline_part p;
    uint32_t at;
    if (!outline_open(record, &o))
        return;
    struct span body = outline_body(&o, arena);
    (void)arena_keep(arena, body);
    (void)arena_keep(arena, o.envelope);
    (void)arena_keep(arena, o.subject);
    for (uint32_t i = 0; i < o.parts && i < 100; i++) {
        (void)outline_message(&o, i, &at);
        if (!outline_part(&o, i, &p))
            continue;
        (void)arena_keep(arena, p.type);
        (void)arena_keep(arena, p.subtype);
        (void)arena_keep(arena, p.charset);
        assert_true(p.header_at <= p.body_at && p.body_at <= p.end_at && p.end_at <= o.bytes);
        assert_true(i == 0 || p.parent < i);
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        (void)outline_section(&o, sections[i].numbers, sections[i].n, &at);
    (void)outline_section(&o, (uint32_t[]){UINT32_MAX}, 1, &at);
    arena_reset(arena);
}

static void damage(struct span text)
{
    static const unsigned char values[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    struct buf record;
    struct outline o = outline_of(&record, text);
    struct arena *copy = arena_new();
    size_t numbers = 64 + o.parts * 64 + o.parts * 8 + 20;
    for (size_t i = 0; i < numbers; i++)
        for (size_t v = 0; v < sizeof values; v++) {
            struct span s = arena_keep(copy, buf_span(&record));
            ((char *)(uintptr_t)s.p)[i] = (char)values[v];
            bool same = span_eq(s, buf_span(&record));
            if (i < 8) /* what it is, and its size */
                assert_int_equal(outline_open(s, &o), same);
            read_all(s);
            arena_reset(copy);
        }
    for (size_t n = 0; n < record.n; n++) {
        struct span s = arena_keep(copy, span_to(buf_span(&record), n));
        assert_false(outline_open(s, &o));
        arena_reset(copy);
    }
    arena_free(&copy);
    buf_fini(&record);
}

static void damage_is_survived(void **state)
{
    (void)state;
    damage(span_cstr(example));
    damage(SPAN(""));
}

static void too_large_records_are_cut_down(void **state)
{
    (void)state;
    struct outline_limits limits = outline_limits_default;
    struct outline_parser *p;
    struct buf record, header;
    struct outline o;
    struct outline_part part;
    limits.header_bytes = limits.field_bytes = 8u << 20;
    limits.address_count = 10000000;
    p = outline_new(&limits);
    buf_init(&header, 8u << 20);
    buf_addz(&header, "Subject: big\r\nTo: ");
    while (header.n < (6u << 20))
        buf_addz(&header, "a,");
    buf_addz(&header, "\r\nContent-Transfer-Encoding: base64\r\n\r\nbody\r\n");
    outline_feed(p, buf_span(&header));
    buf_init(&record, OUTLINE_RECORD_MAX);
    outline_end(p, &record);
    assert_true(outline_open(buf_span(&record), &o));
    assert_int_equal(o.bytes, header.n);
    assert_int_equal(o.header_bytes, header.n - 6);
    check(0, o.envelope, NO_ENVELOPE);
    check(1, o.subject, "big");
    check(2, o.bodystructure,
          "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 6 NIL NIL NIL NIL)");
    check(3, outline_body(&o, arena), "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 6)");
    assert_int_equal(o.parts, 1);
    assert_true(outline_part(&o, 0, &part));
    assert_int_equal(part.decoded_bytes, 6);
    buf_fini(&record);
    buf_fini(&header);
    outline_free(&p);
}

static void the_digest_and_the_preview_are_in_it(void **state)
{
    (void)state;
    struct buf out;
    struct outline o;
    struct digest d;
    buf_init(&out, OUTLINE_RECORD_MAX);
    record_of(&out,
              SPAN("Date: Thu, 1 Jan 1970 01:00:10 +0100\r\nSubject: old\r\nSubject: Re: "
                   "=?utf-8?q?t=C3=A9a?=\r\n"
                   "References: <a@b>\r\n <c@d>\r\nMessage-ID: <e@f>\r\n\r\n> tea?\r\nyes\r\n"),
              3, &outline_limits_default);
    assert_true(outline_open(buf_span(&out), &o));
    assert_true(digest_open(o.digest, &d));
    check(0, o.preview, "yes");
    check(1, o.subject,
          "Re: t\xc3\xa9"
          "a");
    check(2, d.subject,
          "t\xc3\xa9"
          "a");
    assert_true(d.reply && d.dated);
    assert_int_equal(d.sent.utc, 10);
    assert_int_equal(d.id, digest_hash_id(SPAN("e@f")));
    assert_int_equal(d.reference_count, 2);
    assert_int_equal(digest_reference(&d, 1), digest_hash_id(SPAN("c@d")));
    buf_fini(&out);
}

static void a_full_buffer_gets_the_small_record_or_nothing(void **state)
{
    (void)state;
    struct buf out;
    struct outline o;
    buf_init(&out, 700);
    record_of(&out, span_cstr(example), SIZE_MAX, &outline_limits_default);
    assert_true(outline_open(buf_span(&out), &o));
    assert_int_equal(o.parts, 1);
    assert_false(out.full);
    buf_fini(&out);
    buf_init(&out, 100);
    record_of(&out, span_cstr(example), SIZE_MAX, &outline_limits_default);
    assert_int_equal(out.n, 0);
    assert_true(out.full);
    buf_fini(&out);
}

static void nothing_is_fine(void **state)
{
    (void)state;
    struct outline_parser *p = NULL;
    struct outline o;
    outline_free(&p);
    assert_false(outline_open(SPAN(""), &o));
    p = outline_new(&outline_limits_default); /* given up before its end */
    outline_feed(p, SPAN("Subject: x\r\n\r\n--"));
    outline_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures_are_as_the_grammar_says),
        cmocka_unit_test(sections_are_found),
        cmocka_unit_test(messages_in_messages_are_found),
        cmocka_unit_test(the_record_says_what_was_found),
        cmocka_unit_test(messages_without_parts_have_one),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(too_large_records_are_cut_down),
        cmocka_unit_test(the_digest_and_the_preview_are_in_it),
        cmocka_unit_test(a_full_buffer_gets_the_small_record_or_nothing),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
