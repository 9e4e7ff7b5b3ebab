#include "message/digest_header.h"

#include "tests/unit/unit_arena.h"

static struct buf record;

static struct digest read_header(struct span header, struct span subject)
{
    struct digest known = {.dated = true, .sent = {.utc = 9}, .subject = subject}, out;
    buf_fini(&record);
    buf_init(&record, 1 << 20);
    digest_header(arena, header, &known, &record);
    assert_true(digest_open(buf_span(&record), &out));
    assert_true(out.dated);
    assert_int_equal(out.sent.utc, 9);
    return out;
}

static struct digest read_text(const char *header)
{
    return read_header(span_cstr(header), SPAN("Re: [x] hello"));
}

/* clang-format off */
static const struct {
    const char *header, *from, *to, *cc, *from_display, *to_display;
} lists[] = {
    {"X: y\n", "", "", "", "", ""},
    {"From: Ann <ann@a.test>\nTo: bob@b.test\nCc: \"C, D\" <cd@c.test>\n", "ann", "bob", "cd", "Ann", "bob@b.test"},
    {"From: =?utf-8?q?J=C3=BCrgen?= <j@x>\nTo: root\n", "j", "root", "", "J\xc3\xbcrgen", "root"},
    {"From: J\xfcrgen <\xfc@x>\n", "\xc3\xbc", "", "", "J\xc3\xbcrgen", ""},
    {"To: Friends: a@b, c@d;, e@f\n", "", "Friends", "", "", "Friends"},
    {"To: undisclosed:;\nCc: ,a@b\n", "", "undisclosed", "a", "", "undisclosed"},
    {"From:\nFrom: a@b\nFrom: c@d\n", "a", "", "", "a@b", ""},
    {"From: =?utf-8?q?\?= <a@b>\n", "a", "", "", "a@b", ""},
};
/* clang-format on */

static void addresses_are_those_that_sort_compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(lists); i++) {
        struct digest d = read_text(lists[i].header);
        unit_assert_same(d.from, span_cstr(lists[i].from));
        unit_assert_same(d.to, span_cstr(lists[i].to));
        unit_assert_same(d.cc, span_cstr(lists[i].cc));
        unit_assert_same(d.from_display, span_cstr(lists[i].from_display));
        unit_assert_same(d.to_display, span_cstr(lists[i].to_display));
        unit_assert_span(d.subject, "hello");
        assert_true(d.reply);
        assert_int_equal(d.id, 0);
    }
}

/* clang-format off: the references as they should be, with spaces between */
static const struct {
    const char *header, *id, *references;
} threads[] = {
    {"Message-ID: <a@b>\n", "a@b", ""},
    {"Message-ID: a@b\n", NULL, ""},
    {"Message-ID: <ab>\n", NULL, ""},
    {"Message-ID: <@b>\nIn-Reply-To: <c@>\n", NULL, ""},
    {"Message-ID: (c) <\"a\"@b> (d)\n", "a@b", ""},
    {"Message-ID: <a@b>\nMessage-ID: <c@d>\n", "c@d", ""},
    {"Message-ID: <a@b>\nMessage-ID: none\n", "a@b", ""},
    {"References: <a@b> <c@d>\n <e@f>\nIn-Reply-To: <x@y>\n", NULL, "a@b c@d e@f"},
    {"References: <a@b><c@d>,<bad> words <e@f\nIn-Reply-To: <x@y>\n", NULL, "a@b c@d"},
    {"References: bad <no>\nIn-Reply-To: <x@y> <z@y>\n", NULL, "x@y"},
    {"In-Reply-To: Your message of yesterday <x@y>\n", NULL, "x@y"},
    {"In-Reply-To: \"<q@q>\" said <<x@y>\n", NULL, "q@q"},
    {"References: <\"a>b\"@c> <d@e>\n", NULL, "d@e"},
    {"References: <a <b@c>\n", NULL, "b@c"},
};
/* clang-format on */

static void threads_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(threads); i++) {
        struct digest d = read_text(threads[i].header);
        struct span rest = span_cstr(threads[i].references);
        uint64_t id = threads[i].id ? digest_hash_id(span_cstr(threads[i].id)) : 0;
        size_t n = 0;
        if (d.id != id)
            fail_msg("id of %s", threads[i].header);
        for (; rest.n > 0; n++) {
            size_t end = span_find(rest, ' ');
            if (n >= d.reference_count ||
                digest_reference(&d, n) != digest_hash_id(span_to(rest, end)))
                fail_msg("reference %zu of %s", n, threads[i].header);
            rest = span_from(rest, end < rest.n ? end + 1 : end);
        }
        if (d.reference_count != n)
            fail_msg("%zu references of %s", d.reference_count, threads[i].header);
    }
}

static void long_lists_keep_the_first_and_the_last(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "References:");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, " <%d@x>\n", i);
    struct digest d = read_header(buf_span(&text), SPAN(""));
    assert_int_equal(d.reference_count, DIGEST_REFERENCE_COUNT);
    assert_int_equal(digest_reference(&d, 0), digest_hash_id(SPAN("0@x")));
    assert_int_equal(digest_reference(&d, 1), digest_hash_id(SPAN("901@x")));
    assert_int_equal(digest_reference(&d, 99), digest_hash_id(SPAN("999@x")));
    buf_fini(&text);
    buf_fini(&record);
}

static void wants_its_fields(void **state)
{
    (void)state;
    assert_true(digest_header_wants(SPAN("references")));
    assert_true(digest_header_wants(SPAN("Message-Id")));
    assert_false(digest_header_wants(SPAN("Subject")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_those_that_sort_compares),
        cmocka_unit_test(threads_are_read),
        cmocka_unit_test(wants_its_fields),
        cmocka_unit_test(long_lists_keep_the_first_and_the_last),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
