#include "route/hops.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    const char *text;
    unsigned count;
} headers[] = {
    {"", 0},
    {"Received: a\r\nReceived: b\r\n\r\n", 2},
    {"RECEIVED: a\r\nreceived:b\r\n\r\nReceived: not any more\r\n", 2},
    {"X-Received: a\r\nReceived-SPF: b\r\n Received: folded\r\nReceived\r\nRe\r\n\r\n", 0},
    {"\r\nReceived: a\r\n", 0},
    {"R\r\nReceived: a\r\n", 1},
    {"Subject: Received: a\r\nReceived: a", 1},
};
/* clang-format on */

static void counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(headers); i++) {
        struct span all = span_cstr(headers[i].text);
        for (size_t cut = 0; cut <= all.n; cut++) {
            struct hops h = {0};
            hops_feed(&h, span_to(all, cut));
            hops_feed(&h, span_from(all, cut));
            assert_int_equal(h.count, headers[i].count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
