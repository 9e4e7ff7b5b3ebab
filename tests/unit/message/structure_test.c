#include "message/structure.h"

#include "tests/unit/unit_arena.h"

/* clang-format off */
static const struct { enum outline_kind kind; bool digest; const char *header, *head, *tail; } cases[] = {
    {OUTLINE_LEAF, false, "",
     "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_MESSAGE, true, "",
     "\"message\" \"rfc822\" NIL NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, true, "Content-Type: nonsense\r\n",
     "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: text\r\n",
     "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: TEXT/Plain; CharSet=UTF-8; format=flowed\r\n",
     "\"TEXT\" \"Plain\" (\"CharSet\" \"UTF-8\" \"format\" \"flowed\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: text/html; format=flowed\r\n",
     "\"text\" \"html\" (\"format\" \"flowed\" \"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: image/png\r\nContent-Transfer-Encoding: BASE64\r\n"
     "Content-ID: <1@x>\r\nContent-Description: a\r\n picture\r\n",
     "\"image\" \"png\" NIL \"<1@x>\" \"a picture\" \"BASE64\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: image/png\r\nContent-Type: text/plain\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
     "Content-Disposition: attachment; filename=\"a \\\"b\\\".png\"\r\nContent-Language: mi, en\r\nContent-Location: http://x/\r\n",
     "\"image\" \"png\" NIL NIL NIL \"7bit\"",
     " \"Q2hlY2sgSW50ZWdyaXR5IQ==\" (\"attachment\" (\"filename\" \"a \\\"b\\\".png\")) (\"mi\" \"en\") \"http://x/\""},
    {OUTLINE_LEAF, false, "Content-Disposition: inline\r\nContent-Language: ,\r\nContent-Transfer-Encoding:\r\n",
     "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL (\"inline\" NIL) NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: application/x; name*0=a; name*1=b; n*=utf-8''%C3%A9\r\n",
     "\"application\" \"x\" (\"name\" \"ab\" \"n*\" \"utf-8''%C3%A9\") NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_LEAF, false, "Content-Type: application/x; name=\"caf\xc3\xa9\"\r\n",
     "\"application\" \"x\" (\"name\" {5}\r\ncaf\xc3\xa9) NIL NIL \"7bit\"", " NIL NIL NIL NIL"},
    {OUTLINE_MULTIPART, false, "Content-Type: multipart/Mixed; boundary=\"a b\"\r\nContent-Disposition: inline\r\nContent-Language: en\r\n"
     "Content-Location: x\r\n",
     "\"Mixed\"", " (\"boundary\" \"a b\") (\"inline\" NIL) (\"en\") \"x\""},
    {OUTLINE_LEAF, false, "Content-Type: text/plain, x; name=a b.txt\r\nContent-Transfer-Encoding: \"base64\";\r\n"
     "Content-Disposition: ; filename=x\r\nContent-Language: (c) en (English), , \"de\", fr;q=1\r\n",
     "\"text\" \"plain\" (\"name\" \"a b.txt\" \"charset\" \"us-ascii\") NIL NIL \"base64\"", " NIL (\"\" (\"filename\" \"x\")) (\"en\" \"fr\") NIL"},
    {OUTLINE_LEAF, false, "Content-Type: <text/html>\r\nContent-Disposition: inline\r\nContent-Disposition: \"attachment\"/x; f*0=a; f*1=b\r\n",
     "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"", " NIL (\"attachment\" (\"f\" \"ab\")) NIL NIL"},
    {OUTLINE_MULTIPART, false, "Content-Type: multipart/mixed\r\n", "\"mixed\"", " NIL NIL NIL NIL"},
};
/* clang-format on */

static void parts_have_their_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct structure_content c;
        struct buf out;
        size_t tail_at;
        buf_init(&out, 10000);
        structure_read(arena, span_cstr(cases[i].header), cases[i].digest, &c);
        assert_true(structure_put_part(&c, cases[i].kind, &out, &tail_at));
        struct span head = span_to(buf_span(&out), tail_at);
        struct span tail = span_from(buf_span(&out), tail_at);
        if (!span_eq(head, span_cstr(cases[i].head)) || !span_eq(tail, span_cstr(cases[i].tail)))
            fail_msg("case %zu: %.*s ++ %.*s", i, SPAN_ARG(head), SPAN_ARG(tail));
        buf_fini(&out);
    }
}

static void types_are_understood(void **state)
{
    (void)state;
    struct structure_content c;
    structure_read(arena,
                   SPAN("Content-Type: Multipart/MIXED; BOUNDARY=\"a \t\"; charset=UTF-8\n"
                        "Content-Disposition: ATTACHMENT\n"),
                   false, &c);
    assert_true(span_eq(c.kind, SPAN("multipart")));
    assert_true(span_eq(c.subkind, SPAN("mixed")));
    assert_true(span_eq(c.charset, SPAN("utf-8")));
    assert_true(span_eq(c.boundary, SPAN("a")));
    assert_int_equal(c.boundary_blanks, 2);
    assert_true(c.attachment);
    structure_plain(&c);
    assert_true(span_eq(c.kind, SPAN("text")));
    assert_true(span_eq(c.subkind, SPAN("plain")));
    structure_opaque(&c);
    assert_true(span_eq(c.kind, SPAN("application")));
    assert_true(span_eq(c.subkind, SPAN("octet-stream")));
    assert_int_equal(c.boundary.n, 0);
    assert_int_equal(c.type.n, 0);
}

static void names_are_cut_at_255_bytes(void **state)
{
    (void)state;
    struct structure_content c;
    char type[600];
    memset(type, 'T', sizeof type);
    type[300] = '/';
    structure_read(arena, arena_printf(arena, "Content-Type: %.600s\r\n", type), false, &c);
    assert_int_equal(c.kind.n, 255);
    assert_int_equal(c.subkind.n, 255);
    assert_int_equal(c.kind.p[254], 't');
}

static struct structure_part leaf(uint32_t parent, uint32_t next, const char *head,
                                  const char *tail)
{
    struct structure_part p = {.next = next, .head = span_cstr(head), .tail = span_cstr(tail)};
    p.row.parent = parent;
    p.row.end_at = 10;
    p.row.lines = 2;
    return p;
}

/* The shape alone: heads and tails are stand-ins. */
static void the_whole_is_put_together(void **state)
{
    (void)state;
    struct structure_part parts[] = {
        leaf(0, 7, "M0", " x0"), leaf(0, 2, "L1", " x1"), leaf(0, 5, "R2", " x2"),
        leaf(2, 5, "M3", " x3"), leaf(3, 5, "L4", " x4"), leaf(0, 7, "R5", " x5"),
        leaf(5, 7, "L6", " x6"),
    };
    parts[0].row.kind = parts[3].row.kind = OUTLINE_MULTIPART;
    parts[2].row.kind = parts[5].row.kind = OUTLINE_MESSAGE;
    parts[1].row.type = SPAN("text");
    parts[3].envelope = SPAN("(E3)");
    parts[6].envelope = SPAN("(E6)");
    struct structure_cut cuts[7];
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(structure_put(parts, 7, &out, cuts), 7);
    struct span want = SPAN(
        "((L1 10 2 x1)(R2 10 (E3) ((L4 10 x4) M3 x3) 2 x2)(R5 10 (E6) (L6 10 x6) 2 x5) M0 x0)");
    if (!span_eq(buf_span(&out), want))
        fail_msg("%.*s", SPAN_ARG(buf_span(&out)));
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(cuts[i].n, 3);
        assert_memory_equal(out.p + cuts[i].at, " x", 2);
        assert_true(i == 0 || cuts[i].at > cuts[i - 1].at);
    }
    buf_fini(&out);
}

static void wants_its_fields(void **state)
{
    (void)state;
    assert_true(structure_wants(SPAN("content-type")));
    assert_false(structure_wants(SPAN("Content-Length")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_their_texts),     cmocka_unit_test(types_are_understood),
        cmocka_unit_test(names_are_cut_at_255_bytes), cmocka_unit_test(the_whole_is_put_together),
        cmocka_unit_test(wants_its_fields),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
