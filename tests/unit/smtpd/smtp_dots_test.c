#include "smtpd/smtp_dots.h"

#include "tests/unit/unit.h"

#include "common/buf.h"

#define TEXT_BYTES 4096

/* What a message became: its text, and how much of the input was eaten. */
struct fed {
    struct smtp_dots dots;
    struct buf text;
    size_t ate;
};

static void feed(struct fed *fed, struct span in)
{
    while (in.n > 0 && fed->dots.at != SMTP_DOTS_END) {
        struct span text;
        size_t ate = smtp_dots_take(&fed->dots, in, &text);
        assert_true(ate > 0 && ate <= in.n && text.n <= ate);
        assert_true(buf_add(&fed->text, text));
        fed->ate += ate;
        in = span_from(in, ate);
    }
}

static struct fed fed_new(struct smtp_dots dots)
{
    struct fed fed = {.dots = dots};
    buf_init(&fed.text, TEXT_BYTES);
    return fed;
}

/* The whole in two pieces, cut at every byte, and byte by byte; check looks at each outcome. */
static void feed_cut(struct smtp_dots dots, struct span in,
                     void (*check)(const struct fed *fed, const void *arg), const void *arg)
{
    for (size_t cut = 0; cut <= in.n; cut++) {
        struct fed fed = fed_new(dots);
        feed(&fed, span_to(in, cut));
        feed(&fed, span_from(in, cut));
        check(&fed, arg);
        buf_fini(&fed.text);
    }
    struct fed fed = fed_new(dots);
    for (size_t i = 0; i < in.n; i++)
        feed(&fed, span_to(span_from(in, i), 1));
    check(&fed, arg);
    buf_fini(&fed.text);
}

/* clang-format off */
static const struct good {
    struct span in, text;
} good[] = {
    {{".\r\n", 3}, {"", 0}},
    {{"a\r\n.\r\n", 6}, {"a\r\n", 3}},
    {{"..\r\n.\r\n", 7}, {".\r\n", 3}},
    {{"..a\r\n...\r\n.\r\n", 13}, {".a\r\n..\r\n", 8}},
    {{".a\r\n.\r\n", 7}, {"a\r\n", 3}},               /* RFC 5321 §4.5.2: the first period is deleted */
    {{"a.\r\nb.b\r\n\r\n.\r\n", 14}, {"a.\r\nb.b\r\n\r\n", 11}},
    {{"\r\n.\r\n", 5}, {"\r\n", 2}},
    {{"\x80\xff\r\n.\r\n", 7}, {"\x80\xff\r\n", 4}},
};

/* Some server or other takes each of these for the end of the data (SMTP smuggling). */
static const struct span smuggled[] = {
    {"\n.\n", 3}, {"\n.\r", 3}, {"\r.\n", 3}, {"\r.\r", 3}, {"\n.\r\n", 4}, {"\r.\r\n", 4}, {"\r\n\0.\r\n", 6},
    {"\r\n.\n", 4}, {"\r\n.\r", 4}, {"\r\n.\r\r\n", 6}, {"\r\r\n.\r\r\n", 7}, {"\r\n.\0\r\n", 6}, {"\n\n.\r\n", 5},
    {"\r\r.\r\r\n", 6}, {"\n\r.\r\n", 5}, {"\n.\n\r\n", 5},
};
/* clang-format on */

static void check_good(const struct fed *fed, const void *arg)
{
    const struct good *g = arg;
    assert_int_equal(fed->dots.at, SMTP_DOTS_END);
    assert_int_equal(fed->ate, g->in.n);
    assert_false(fed->dots.bare || fed->dots.nul);
    unit_assert_same(buf_span(&fed->text), g->text);
}

static void data_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++)
        feed_cut(SMTP_DOTS_DATA, good[i].in, check_good, &good[i]);
}

/* Bytes behind the end are not eaten. */
static void data_stops(void **state)
{
    (void)state;
    struct fed fed = fed_new(SMTP_DOTS_DATA);
    feed(&fed, SPAN("a\r\n.\r\nQUIT\r\n"));
    assert_int_equal(fed.ate, 6);
    buf_fini(&fed.text);
}

static void check_smuggled(const struct fed *fed, const void *arg)
{
    const struct span *in = arg;
    assert_int_equal(fed->dots.at, SMTP_DOTS_END);
    assert_int_equal(fed->ate, in->n); /* the real end, not the forged one */
    assert_true(fed->dots.bare || fed->dots.nul);
}

static void data_smuggled(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(smuggled); i++) {
        struct buf in;
        buf_init(&in, TEXT_BYTES);
        buf_addz(&in, "Subject: a\r\n\r\none");
        buf_add(&in, smuggled[i]);
        buf_addz(&in,
                 "MAIL FROM:<x@example.org>\r\nRCPT TO:<y@example.org>\r\nDATA\r\nsecond\r\n.\r\n");
        struct span all = buf_span(&in);
        feed_cut(SMTP_DOTS_DATA, all, check_smuggled, &all);
        buf_fini(&in);
    }
}

/* CR CR LF . CR LF does end, by the letter, but a message with a bare CR is no good. */
static void data_ends_tainted(void **state)
{
    (void)state;
    struct span in = SPAN("a\r\r\n.\r\n");
    feed_cut(SMTP_DOTS_DATA, in, check_smuggled, &in);
}

static void check_bdat(const struct fed *fed, const void *arg)
{
    const struct span *in = arg;
    struct smtp_dots dots = fed->dots;
    assert_false(dots.bare || dots.nul);
    smtp_dots_finish(&dots);
    assert_int_equal(dots.at, SMTP_DOTS_END);
    assert_false(dots.bare);
    unit_assert_same(buf_span(&fed->text), *in);
}

static void bdat_is_verbatim(void **state)
{
    (void)state;
    static const struct span in[] = {
        {"a\r\n.\r\n..\r\n", 10}, {".\r\n", 3}, {"no line end", 11}, {"", 0}};
    for (size_t i = 0; i < UNIT_COUNT(in); i++)
        feed_cut(SMTP_DOTS_BDAT, in[i], check_bdat, &in[i]);
}

static void bdat_bare(void **state)
{
    (void)state;
    static const struct span in[] = {{"a\nb\r\n", 5}, {"a\rb\r\n", 5}, {"a\r\n\r", 4},
                                     {"\r", 1},       {"a\r\r\n", 4},  {"\n", 1}};
    for (size_t i = 0; i < UNIT_COUNT(in); i++) {
        struct fed fed = fed_new(SMTP_DOTS_BDAT);
        feed(&fed, in[i]);
        smtp_dots_finish(&fed.dots);
        assert_true(fed.dots.bare);
        buf_fini(&fed.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_good),        cmocka_unit_test(data_stops),
        cmocka_unit_test(data_smuggled),    cmocka_unit_test(data_ends_tainted),
        cmocka_unit_test(bdat_is_verbatim), cmocka_unit_test(bdat_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
