#include "message/trace.h"

#include "tests/unit/unit_arena.h"

#include <stdio.h>

#define WHEN 1795465848 /* Mon, 23 Nov 2026 20:30:48 +0000 */
#define S(literal)                                                                                 \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* clang-format off */
static const struct { struct trace t; const char *field; } cases[] = {
    {{.helo = S("client.example"), .peer_ip = S("192.0.2.1"), .by = S("mx.example.org"), .id = S("0ABC"),
      .for_rcpt = S("ann@example.org"), .esmtp = true, .when = WHEN},
     "Received: from client.example ([192.0.2.1]) by mx.example.org with ESMTP id\r\n"
     "\t0ABC for <ann@example.org>; Mon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("[192.0.2.1]"), .peer_ip = S("2001:db8::1"), .by = S("mx"), .esmtp = true, .authenticated = true,
      .tls = S("TLSv1.3 TLS_AES_256_GCM_SHA384"), .when = WHEN, .zone_minutes = 60},
     "Received: from [192.0.2.1] ([IPv6:2001:db8::1]) by mx with ESMTPSA (TLSv1.3)\r\n"
     "\ttls TLS_AES_256_GCM_SHA384; Mon, 23 Nov 2026 21:30:48 +0100\r\n"},
    {{.helo = S("a"), .peer_ip = S("::1"), .by = S("mx"), .esmtp = true, .tls = S("TLSv1.2 ECDHE-RSA-AES128-SHA"),
      .when = WHEN},
     "Received: from a ([IPv6:::1]) by mx with ESMTPS\r\n"
     "\t(TLSv1.2 ECDHE-RSA-AES128-SHA); Mon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("a"), .by = S("mx"), .when = WHEN, .authenticated = true},
     "Received: from a by mx with SMTP; Mon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.by = S("mx"), .esmtp = true, .utf8 = true, .tls = S("TLSv1.3"), .authenticated = true, .when = WHEN},
     "Received: from unknown by mx with UTF8SMTPSA (TLSv1.3);\r\n"
     "\tMon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("b\xc3\xbc"), .by = S("mx"), .esmtp = true, .utf8 = true, .for_rcpt = S("\xc3\xbc@a"), .when = WHEN},
     "Received: from b\xc3\xbc by mx with UTF8SMTP for <\xc3\xbc@a>;\r\n"
     "\tMon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("b\xc3\xbc"), .by = S("mx"), .esmtp = true, .for_rcpt = S("\xc3\xbc@a"), .when = WHEN},
     "Received: from b?? by mx with ESMTP; Mon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("a\r\nX: y"), .by = S("mx"), .esmtp = true, .for_rcpt = S("a\r\n@b"), .when = WHEN},
     "Received: from a??X:?y by mx with ESMTP for <a??@b>;\r\n"
     "\tMon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("(;<>\\\"a,@=)[]"), .peer_ip = S("1.2.3.4]) by evil"), .by = S("mx"), .esmtp = true, .when = WHEN},
     "Received: from ??????a?????? ([1.2.3.4???by?evil]) by mx with ESMTP;\r\n"
     "\tMon, 23 Nov 2026 20:30:48 +0000\r\n"},
    {{.helo = S("\0"), .by = S("mx"), .id = S("a;b"), .tls = S("x) y z"), .esmtp = true, .when = WHEN},
     "Received: from ? by mx with ESMTPS (x? y?z) id a?b;\r\n"
     "\tMon, 23 Nov 2026 20:30:48 +0000\r\n"},
};
/* clang-format on */

static void received_is_written(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span got = trace_received(*state, &cases[i].t);
        if (!span_eq(got, span_cstr(cases[i].field)))
            fail_msg("case %zu: %.*s", i, SPAN_ARG(got));
    }
}

/* One field: each CRLF but the last is followed by white space, and there is no other control. */
static void is_one_field(struct span field)
{
    assert_true(field.n > 2 && memcmp(field.p + field.n - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i + 2 < field.n; i++) {
        if (field.p[i] == '\r') {
            assert_true(field.p[i + 1] == '\n' && field.p[i + 2] == '\t');
            i += 2;
        }
        assert_true((unsigned char)field.p[i] >= 32 || field.p[i] == '\t');
    }
}

static void no_byte_of_a_peer_breaks_it(void **state)
{
    for (int c = 0; c < 256; c++) {
        char peer[600];
        memset(peer, c, sizeof peer);
        for (size_t n = 1; n <= sizeof peer; n += 199) {
            struct span p = span_of(peer, n);
            struct trace t = {.helo = p,
                              .peer_ip = p,
                              .by = p,
                              .id = p,
                              .for_rcpt = p,
                              .tls = p,
                              .esmtp = true,
                              .utf8 = c & 1};
            struct span got = trace_received(*state, &t);
            is_one_field(got);
            assert_int_equal(
                got.n - span_find_span(got, SPAN("Thu, 1 Jan 1970 00:00:00 +0000\r\n")), 32);
        }
    }
}

static void return_path_is_written(void **state)
{
    struct arena *a = *state;
    assert_true(span_eq(trace_return_path(a, (struct address){SPAN(""), SPAN("")}),
                        SPAN("Return-Path: <>\r\n")));
    assert_true(span_eq(trace_return_path(a, (struct address){SPAN("ann"), SPAN("a.example")}),
                        SPAN("Return-Path: <ann@a.example>\r\n")));
    assert_true(span_eq(trace_return_path(a, (struct address){SPAN("a\r\nX: \"b"), SPAN("a")}),
                        SPAN("Return-Path: <\"a??X: \\\"b\"@a>\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_is_written),
        cmocka_unit_test(no_byte_of_a_peer_breaks_it),
        cmocka_unit_test(return_path_is_written),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
