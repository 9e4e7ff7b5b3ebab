#include "message/address.h"

#include "tests/unit/unit_arena.h"

#include <stdio.h>

#define A16 "aaaaaaaaaaaaaaaa"
#define A63 A16 A16 A16 "aaaaaaaaaaaaaaa"
#define A64 A63 "a"

/* clang-format off */
static const struct { const char *path, *local, *domain, *rest; } good[] = {
    {"<ann@example.org>",                         "ann", "example.org", ""},
    {"<ann@example.org> SIZE=1",                  "ann", "example.org", " SIZE=1"},
    {"<Ann.Lee+box@EXAMPLE.org>",                 "Ann.Lee+box", "EXAMPLE.org", ""},
    {"<!#$%&'*+-/=?^_`{|}~@a>",                   "!#$%&'*+-/=?^_`{|}~", "a", ""},
    {"<\"Joe\\,Smith\"@a.example>",               "Joe,Smith", "a.example", ""},  /* RFC 5321 §4.1.2 */
    {"<\"a b\"@a.example>",                       "a b", "a.example", ""},
    {"<\"a>b@c\"@a.example>",                     "a>b@c", "a.example", ""},
    {"<\"a\\\"b\\\\\"@a.example>",                "a\"b\\", "a.example", ""},
    {"<\"\"@a.example>",                          "", "a.example", ""},
    {"<ann@[192.0.2.1]>",                         "ann", "[192.0.2.1]", ""},
    {"<ann@[IPv6:2001:db8::1]>",                  "ann", "[IPv6:2001:db8::1]", ""},
    {"<ann@[ipv6:::ffff:192.0.2.1]>",             "ann", "[ipv6:::ffff:192.0.2.1]", ""},
    {"<@one.example,@two.example:ann@a.example>", "ann", "a.example", ""},        /* appendix C */
    {"<ann@a_b.example>",                         "ann", "a_b.example", ""},
    {"<ann@_dmarc.example>",                      "ann", "_dmarc.example", ""},
    {"<ann@1.2.3.4>",                             "ann", "1.2.3.4", ""},
    {"<ann@xn--bcher-kva.example>",               "ann", "xn--bcher-kva.example", ""},
    {"<Postmaster>",                              "Postmaster", "", ""},
    {"<POSTMASTER> X",                            "POSTMASTER", "", " X"},
    {"<postmaster@a.example>",                    "postmaster", "a.example", ""},
    {"<" A64 "@a>",                               A64, "a", ""},
    {"<J\u00f8rgen@b\u00fccher.example>",         "J\u00f8rgen", "b\u00fccher.example", ""},
    {"<\"\u00f8 x\"@\u4f8b\u3048.\u30c6\u30b9\u30c8>", "\u00f8 x", "\u4f8b\u3048.\u30c6\u30b9\u30c8", ""},
};

static const char *const bad[] = {
    "", "<", ">", "<>", "ann@example.org", "<ann@example.org", "ann@example.org>", "<ann>", "<ann@>",
    "<@example.org>", "<@a:>", "<@a,b:ann@c>", "<@a:@b:ann@c>", "<ann@a@b>", "<.ann@a>", "<ann.@a>",
    "<a..b@a>", "< ann@a>", "<ann@a >", "<ann @a>", "<ann@ a>", "<a b@c>", "<a\tb@c>", "<a,b@c>",
    "<a(b)@c>", "<a\\@b@c>", "<ann@a.>", "<ann@.a>", "<ann@a..b>", "<ann@-a>", "<ann@a->", "<ann@a.-b.c>",
    "<ann@a+b>", "<ann@a/b>", "<\"ann@a>", "<\"ann\"x@a>", "<\"a\"b\"@a>", "<\"a\tb\"@a>", "<\"a\\", "<\"",
    "<\"ann\\\"@a>", "<\"a\x7f\"@a>", "<ann@[1.2.3]>", "<ann@[1.2.3.256]>", "<ann@[1.2.3.4>", "<ann@1.2.3.4]>",
    "<ann@[]>", "<ann@[2001:db8::1]>", "<ann@[IPv6:2001::db8::1]>", "<ann@[IPv6:]>", "<ann@[IPv6:fe80::1%lo]>",
    "<ann@[x-tag:data]>", "<ann@[1.2.3.4].a>", "<" A64 "a@a>", "<\"" A64 "\"@a>",
    "<postmaste>", "<postmasterx>", "<ann@a\xff>", "<\xc3@a>", "<\"\xc3\\\xa9\"@a>",
    "<ann@" A63 "." A63 "." A63 "." A63 "." "a>",
};
/* clang-format on */

static bool same(struct span got, const char *want)
{
    return span_eq(got, span_cstr(want));
}

static void paths_are_read(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct scan s = scan_of(arena_keep(a, span_cstr(good[i].path)));
        struct address got = address_path(&s, a, false, true);
        if (!scan_ok(&s) || !same(got.local, good[i].local) || !same(got.domain, good[i].domain) ||
            !same(scan_rest(&s), good[i].rest))
            fail_msg("%s: %s", good[i].path, s.why ? s.why : "read wrongly");
    }
}

static void other_paths_are_refused(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct scan s = scan_of(span_cstr(bad[i]));
        struct address got = address_path(&s, a, false, true);
        if (scan_ok(&s) || got.local.n + got.domain.n > 0)
            fail_msg("%s was taken", bad[i]);
    }
}

static void null_path_only_where_allowed(void **state)
{
    struct arena *a = *state;
    struct scan s = scan_of(SPAN("<> BODY=7BIT"));
    struct address got = address_path(&s, a, true, false);
    assert_true(scan_ok(&s));
    assert_int_equal(got.local.n + got.domain.n, 0);
    assert_int_equal(s.at, 2);
    s = scan_of(SPAN("<Postmaster>")); /* only a recipient may be that */
    address_path(&s, a, true, false);
    assert_false(scan_ok(&s));
}

static void utf8_only_where_allowed(void **state)
{
    struct arena *a = *state;
    static const char *const cases[] = {"<\u00e9@a>", "<a@\u00e9>", "<\"\u00e9\"@a>"};
    for (size_t i = 0; i < 3; i++) {
        struct scan s = scan_of(span_cstr(cases[i]));
        address_path(&s, a, false, false);
        assert_string_equal(s.why, "non-ASCII address without SMTPUTF8");
    }
}

static void no_cut_path_is_taken(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t end = span_find(span_cstr(good[i].path), '>');
        if (good[i].path[1] == '"')
            continue; /* may hold a ">" of its own */
        for (size_t n = 0; n <= end; n++) {
            struct arena *own = arena_new(); /* so that a sanitizer sees reads past the end */
            struct span cut = arena_keep(own, span_of(good[i].path, n));
            struct scan s = scan_of(cut);
            address_path(&s, a, false, true);
            assert_false(scan_ok(&s));
            arena_free(&own);
        }
    }
}

static void mailboxes_are_read_alone(void **state)
{
    struct arena *a = *state;
    struct address got;
    const char *why = NULL;
    assert_true(address_parse(a, SPAN("ann@example.org"), &got, &why));
    assert_null(why);
    assert_true(same(got.local, "ann") && same(got.domain, "example.org"));
    static const char *const wrong[] = {"",       "ann",         "<ann@a>", "ann@a ",
                                        " ann@a", "ann@a,bob@b", "@a:ann@b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(address_parse(a, span_cstr(wrong[i]), &got, &why));
        assert_non_null(why);
    }
}

static void text_has_the_least_quoting(void **state)
{
    struct arena *a = *state;
    /* clang-format off */
    static const struct { const char *local, *domain, *text; } cases[] = {
        {"", "", ""},
        {"ann", "a.example", "ann@a.example"},
        {"Postmaster", "", "Postmaster"},
        {"a.b", "c", "a.b@c"},
        {"a b", "c", "\"a b\"@c"},
        {"", "c", "\"\"@c"},
        {"a..b", "c", "\"a..b\"@c"},
        {"a\"\\", "c", "\"a\\\"\\\\\"@c"},
        {"\u00e9", "[192.0.2.1]", "\u00e9@[192.0.2.1]"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address addr = {span_cstr(cases[i].local), span_cstr(cases[i].domain)}, back;
        const char *why;
        struct span text = address_text(a, addr);
        assert_true(same(text, cases[i].text));
        if (addr.domain.n == 0)
            continue;
        assert_true(address_parse(a, text, &back, &why));
        assert_true(span_eq(back.local, addr.local) && span_eq(back.domain, addr.domain));
    }
}

static void keys_are_one_form(void **state)
{
    struct arena *a = *state;
    /* clang-format off */
    static const struct { const char *local, *domain, *key; } cases[] = {
        {"Ann", "Example.ORG", "ann@example.org"},
        {"Ann", "example.org.", "ann@example.org"},
        {"A B", "c", "a b@c"},
        {"ann", "[IPv6:2001:DB8::1]", "ann@[ipv6:2001:db8::1]"},
        {"ann", "A_b.example", "ann@a_b.example"},
        {"\u00c9mile", "x", "\u00e9mile@x"},
        {"E\u0301mile", "x", "\u00e9mile@x"},
        {"Stra\u00dfe", "x", "strasse@x"},
        {"ann", "B\u00dcCHER.example", "ann@xn--bcher-kva.example"},
        {"ann", "bu\u0308cher.example", "ann@xn--bcher-kva.example"},
        {"ann", "XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"},
        {"ann", "stra\u00dfe.example", "ann@xn--strae-oqa.example"},        /* nontransitional */
        {"ann", "\u4f8b\u3048.\u30c6\u30b9\u30c8", "ann@xn--r8jz45g.xn--zckzah"},
        {"ann", "b\u00fccher\u3002example", "ann@xn--bcher-kva.example"},   /* UTS 46 full stop */
        {"ann", A63 ".a", "ann@" A63 ".a"},
    };
    static const char *const no_domains[] = {
        "", ".", "a..b", ".a", "-a", "a-", "a b", "a/b", A64 ".a", "[1.2.3]", "[", "[]", "\xff", "\u2100.example",
        "\u00e9" A63 ".a", A63 "." A63 "." A63 "." A63,
    };
    /* clang-format on */
    struct span key;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address addr = {span_cstr(cases[i].local), span_cstr(cases[i].domain)};
        if (!address_key(a, addr, &key) || !same(key, cases[i].key))
            fail_msg("case %zu: %.*s", i, SPAN_ARG(key));
    }
    for (size_t i = 0; i < sizeof no_domains / sizeof *no_domains; i++) {
        if (address_domain_key(a, span_cstr(no_domains[i]), &key))
            fail_msg("%s was taken", no_domains[i]);
    }
    assert_false(address_key(a, (struct address){SPAN("\xff"), SPAN("a")}, &key));
    assert_false(address_key(a, (struct address){SPAN("postmaster"), SPAN("")}, &key));
    assert_false(address_domain_key(a, SPAN("\xc3\xa9\0.example"), &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_read),
        cmocka_unit_test(other_paths_are_refused),
        cmocka_unit_test(null_path_only_where_allowed),
        cmocka_unit_test(utf8_only_where_allowed),
        cmocka_unit_test(no_cut_path_is_taken),
        cmocka_unit_test(mailboxes_are_read_alone),
        cmocka_unit_test(text_has_the_least_quoting),
        cmocka_unit_test(keys_are_one_form),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
