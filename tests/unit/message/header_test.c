#include "message/header.h"

#include "common/buf.h"
#include "tests/unit/unit_arena.h"

static void check(size_t i, const struct buf *got, const char *want)
{
    if (!span_eq(buf_span(got), span_cstr(want)))
        fail_msg("case %zu: %.*s\n   wanted: %s", i, SPAN_ARG(buf_span(got)), want);
}

/* --- fields ---------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *in, *out; } blocks[] = { /* out: name|value|raw bytes; and what is left */
    {"",                                     "rest="},
    {"\r\nbody: x",                          "rest=\r\nbody: x"},
    {"\nbody: x",                            "rest=\nbody: x"},
    {"A: b\r\n\r\nbody",                     "A| b|6;rest=\r\nbody"},
    {"A: b\n\nbody",                         "A| b|5;rest=\nbody"},
    {"A: b\r\nC:d\r\n",                      "A| b|6;C|d|5;rest="},
    {"A: b\r\n\tc\r\n d\r\nE:",              "A| b\r\n\tc\r\n d|14;E||2;rest="},
    {"A  : b\r\n",                           "A| b|8;rest="},
    {"A\t:b",                                "A|b|4;rest="},
    {"no colon\r\nA: b\r\n",                 "A| b|6;rest="},
    {": no name\r\nA: b\r\n",                "A| b|6;rest="},
    {" folded first\r\nA: b\r\n",            "A| b|6;rest="},
    {"A: b\r\nno colon\r\n c\r\nD: e\r\n",   "A| b|20;D| e|6;rest="},
    {"From x Mon Jan  1 10:00:00\nA: b\n",   "A| b|5;rest="},
    {"two words: x\r\nA: b\r\n",             "A| b|6;rest="},
    {"A:\r\n b\r\n",                         "A|\r\n b|8;rest="},
    {"A: b\r\n \r\n c\r\n",                  "A| b\r\n \r\n c|13;rest="},
    {"A: b\rc\r\n",                          "A| b\rc|8;rest="},
    {"A: b\r",                               "A| b\r|5;rest="},
    {"\xc3\xa9: b\r\n",                      "\xc3\xa9| b|7;rest="},
};
/* clang-format on */

static void fields_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct span rest = span_cstr(blocks[i].in);
        struct header_field f;
        struct buf got;
        buf_init(&got, 1000);
        while (header_next(&rest, &f))
            buf_addf(&got, "%.*s|%.*s|%zu;", SPAN_ARG(f.name), SPAN_ARG(f.value), f.raw.n);
        buf_addf(&got, "rest=%.*s", SPAN_ARG(rest));
        check(i, &got, blocks[i].out);
        buf_fini(&got);
    }
}

static void the_first_of_a_name_is_found(void **state)
{
    (void)state;
    struct span block = SPAN("To: a\r\nSUBJECT: one\r\nSubject: two\r\n\r\nCc: body\r\n");
    struct header_field f;
    assert_true(header_find(block, SPAN("subject"), &f));
    assert_true(span_eq(f.value, SPAN(" one")));
    assert_false(header_find(block, SPAN("Cc"), &f));
    assert_false(header_find(block, SPAN("Subj"), &f));
}

static void folding_goes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"  ", ""},
        {" a", "a"},
        {" a\r\n b\r\n\tc ", "a b\tc"},
        {"\r\n a", "a"},
        {" a\n b", "a b"},
        {" a\r\n \r\n b", "a  b"},
        {" a\rb\r\r\nc", "a bc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span s = header_unfold(arena, span_cstr(cases[i][0]));
        assert_non_null(s.p);
        assert_true(span_eq(s, span_cstr(cases[i][1])));
    }
}

/* --- addresses ------------------------------------------------------------------------------------------------- */

static void put_address(struct buf *out, const struct header_address *h)
{
    if (h->group && !h->mailbox.p) {
        buf_addz(out, "}");
        return;
    }
    buf_addf(out, h->group ? "{%.*s" : "[%.*s", SPAN_ARG(h->group ? h->mailbox : h->name));
    if (!h->group)
        buf_addf(out, "|%.*s|%.*s|%.*s]", SPAN_ARG(h->route), SPAN_ARG(h->mailbox),
                 SPAN_ARG(h->domain));
}

/* clang-format off */
static const char *const lists[][2] = { /* out: [name|route|mailbox|domain], groups in {name...} */
    {"",                                            ""},
    {" , ,",                                        ""},
    {"user@host",                                   "[||user|host]"},
    {"a@b,c@d , e@f",                               "[||a|b][||c|d][||e|f]"},
    {"<user@host>",                                 "[||user|host]"},
    {"Ann <user@host>",                             "[Ann||user|host]"},
    {"John Q. Public <jqp@example.com>",            "[John Q. Public||jqp|example.com]"},
    {"\"Joe Q. Public\" <john.q.public@example.com>", "[Joe Q. Public||john.q.public|example.com]"}, /* RFC 5322 A.1.2 */
    {"\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", "[Giant; \"Big\" Box||sysservices|example.net]"},
    {"\r\n Ann\r\n\t Smith\r\n <user@host>",        "[Ann Smith||user|host]"},
    {"\"a\"\"b\" c <d@e>",                          "[ab c||d|e]"},
    {"\"fold\r\n ed\" <d@e>",                       "[fold ed||d|e]"},
    /* comments, RFC 5322 A.5 */
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "[Pete||pete|silly.test]"},
    {"user@host (Full Name)",                       "[Full Name||user|host]"},
    {"user@host (a (nested (deep)) one)",           "[a (nested (deep)) one||user|host]"},
    {"<user@host> (Full Name)",                     "[Full Name||user|host]"},
    {"Ann <user@host> (not me)",                    "[Ann||user|host]"},
    {"user@host (never closed",                     "[never closed||user|host]"},
    {"Ann (never (closed) <user@host>",             "[Ann never||user|host]"},
    {"<@a, @b:user@host>",                          "[|@a,@b|user|host]"},
    {"(only a comment)",                            ""},
    {"us(x)er@host",                                "[us||er|host]"},
    /* groups, RFC 5322 A.1.3 and A.5 */
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", "{A Group[Ed Jones||c|a.test][||joe|where.test][John||jdoe|one.test]}"},
    {"Undisclosed recipients:;",                    "{Undisclosed recipients}"},
    {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "{Hidden recipients}"},
    {"a@b, g: c@d; , e@f",                          "[||a|b]{g[||c|d]}[||e|f]"},
    {"g: a@b",                                      "{g[||a|b]}"},
    {":;",                                          "{}"},
    {"g: h: a@b;",                                  "{g[h:||a|b]}"},
    {"a@b; c@d",                                    "[||a|b][||c|d]"},
    /* obsolete forms, RFC 5322 §4.4 */
    {"<@a,@b:user@host>",                           "[|@a,@b|user|host]"},
    {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", "[Mary Smith|@node.test|mary|example.net][||jdoe|test.example]"},
    {"foo . bar @ example . com",                   "[||foo.bar|example.com]"},
    {"\"foo bar\"@host",                            "[||foo bar|host]"},
    {"\"\"@host",                                   "[|||host]"},
    {"user@[192.0.2.1]",                            "[||user|[192.0.2.1]]"},
    {"<user@[IPv6:2001:db8::1]>",                   "[||user|[IPv6:2001:db8::1]]"},
    /* broken */
    {"user",                                        "[||user|]"},
    {"Ann Smith",                                   "[Ann Smith|||]"},
    {"<user>",                                      "[||user|]"},
    {"<>",                                          "[|||]"},
    {"Ann <>",                                      "[Ann|||]"},
    {"@host",                                       "[|||host]"},
    {"<@host>",                                     "[|||host]"},
    {"user@",                                       "[||user|]"},
    {"a@b@c",                                       "[||a|b@c]"},
    {"Ann Smith ann@host",                          "[Ann Smith||ann|host]"},
    {"user@host Ann",                               "[||user|host]"},
    {"user@host <user@host>",                       "[user@host||user|host]"},
    {"<a@b> <c@d>",                                 "[||a|b][||c|d]"},
    {"<a@b>, c@d>",                                 "[||a|b][||c|d]"},
    {"Ann <a@b, c@d",                               "[Ann||a|b][||c|d]"},
    {"<<a@b>>",                                     "[||a|b]"},
    {"<foo bar@host>",                              "[||foo bar|host]"},
    {"\"Ann <a@b>, c@d",                            "[Ann||a|b][||c|d]"},
    {"user@[1.2.3.4, c@d",                          "[||user|[1.2.3.4][||c|d]"},
    {"<a@b> @c junk \"q\" [x], d@e",                "[||a|b][||d|e]"},
    {"a@b:25",                                      "[||a|b:25]"},
    {"=?utf-8?Q?Smith,_Ann@x?= <a@b>",              "[=?utf-8?Q?Smith,_Ann@x?=||a|b]"},
    {"=?utf-8?Q?a?= =?utf-8?Q?b?= <a@b>",           "[=?utf-8?Q?a?= =?utf-8?Q?b?=||a|b]"},
    {"=?x,a@b",                                     "[||=?x|][||a|b]"},
    {"\xc3\x89mile <\xc3\xa9@h>",                   "[\xc3\x89mile||\xc3\xa9|h]"},
    {"\\",                                          "[||\\|]"},
    {"(\\",                                         "[||\\|]"},
};
/* clang-format on */

static void lists_are_read_generously(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct header_address h[10];
        struct buf got;
        struct span in = span_cstr(lists[i][0]);
        in = arena_keep(arena, in);
        size_t n = header_addresses(arena, in, h, 10);
        buf_init(&got, 1000);
        for (size_t k = 0; k < n; k++)
            put_address(&got, &h[k]);
        check(i, &got, lists[i][1]);
        buf_fini(&got);
    }
}

/* However many there may be, groups are closed. */
static void lists_have_an_end(void **state)
{
    (void)state;
    static const char *const cut[] = {
        "", "[||a|b]", "[||a|b]", "[||a|b]{g}", "[||a|b]{g[||c|d]}", "[||a|b]{g[||c|d][||e|f]}",
    };
    for (size_t max = 0; max < sizeof cut / sizeof *cut; max++) {
        struct header_address h[6];
        struct buf got;
        size_t n = header_addresses(arena, SPAN("a@b, g: c@d, e@f;, h@i"), h, max);
        assert_true(n <= max);
        buf_init(&got, 1000);
        for (size_t k = 0; k < n; k++)
            put_address(&got, &h[k]);
        check(max, &got, cut[max]);
        buf_fini(&got);
    }
}

/* Long runs of what makes naive readers slow or deep. */
static void hostile_lists_cost_one_pass(void **state)
{
    (void)state;
    static const char *const units[] = {"(", "\"", "\"\\", "<",  "@",  ":",    ";",
                                        "[", "=?", "a,",   "a ", "()", "((a)", ". "};
    struct header_address h[100];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct buf in;
        buf_init(&in, 2000000);
        while (in.n < 1000000)
            buf_addz(&in, units[i]);
        assert_true(header_addresses(arena, buf_span(&in), h, 100) <= 100);
        buf_fini(&in);
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found),  cmocka_unit_test(the_first_of_a_name_is_found),
        cmocka_unit_test(folding_goes),      cmocka_unit_test(lists_are_read_generously),
        cmocka_unit_test(lists_have_an_end), cmocka_unit_test(hostile_lists_cost_one_pass),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
