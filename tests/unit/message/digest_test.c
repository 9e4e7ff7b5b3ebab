#include "message/digest.h"
#include "common/mem.h"

#include "tests/unit/unit_arena.h"

/* --- base subjects, RFC 5256 §2.1 --- */

/* clang-format off */
static const struct {
    const char *subject, *base;
    bool reply;
} subjects[] = {
    {"", "", false},
    {"Hello", "Hello", false},
    {"  Hello \t world  ", "Hello world", false},
    {"Re: Hello", "Hello", true},
    {"RE:Hello", "Hello", true},
    {"re : Hello", "Hello", true},
    {"Fw: Hello", "Hello", true},
    {"FWD: Hello", "Hello", true},
    {"Fwd : re: Re: Hello (fwd) (FWD) ", "Hello", true},
    {"Hello (fwd)", "Hello", true},
    {"Re[2]: Hello", "Hello", true},
    {"Re [list] : Hello", "Hello", true},
    {"[list] Hello", "Hello", false},
    {"[a] [b]  Re: [c] Hello", "Hello", true},
    {"[list]", "[list]", false},
    {"[a][list]", "[list]", false},
    {"[a] [b] ", "[b]", false},
    {"Re: [list]", "[list]", true},
    {"[fwd: Hello]", "Hello", true},
    {"[Fwd: Re: [x] Hello (fwd)]", "Hello", true},
    {"[fwd: [fwd: a]]", "a", true},
    {"[fwd: a", "[fwd: a", false},
    {"Re: ", "", true},
    {"Re:", "", true},
    {"Rehearsal", "Rehearsal", false},
    {"Read: x", "Read: x", false},
    {"Fwdx: y", "Fwdx: y", false},
    {"Re[: x", "Re[: x", false},
    {"[no end Re: x", "[no end Re: x", false},
    {"Aw: x", "Aw: x", false},
    {"(fwd)", "", true},
    {"a]", "a]", false},
};
/* clang-format on */

static void base_subjects_are_as_the_procedure_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(subjects); i++) {
        bool reply = !subjects[i].reply;
        struct span got = digest_base_subject(arena, span_cstr(subjects[i].subject), &reply);
        if (!span_eq(got, span_cstr(subjects[i].base)) || reply != subjects[i].reply)
            fail_msg("%s: \"%.*s\" %d", subjects[i].subject, SPAN_ARG(got), reply);
    }
    unit_assert_span(digest_base_subject(arena, SPAN("Re: x"), NULL), "x");
}

/* Each byte is looked at a few times only. */
static void hostile_subjects_end(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[a]", "[", "re:", "[fwd:", "(fwd)", "[a]re:", "re[a"};
    for (size_t i = 0; i < UNIT_COUNT(pieces); i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        while (text.n < 250000)
            buf_addz(&text, pieces[i]);
        (void)digest_base_subject(arena, buf_span(&text), NULL);
        buf_fini(&text);
    }
}

/* --- message ids --- */

static void ids_are_hashed_in_their_normal_form(void **state)
{
    (void)state;
    /* kept in stores: must not change */
    assert_int_equal(digest_hash_id(SPAN("")), UINT64_C(0xfdbdf6ac4fc52e7f));
    assert_int_equal(digest_hash_id(SPAN("a@b")), UINT64_C(0x3edaccc6bf06a9b7));
    uint64_t id = digest_hash_id(SPAN("01KF8JCEOCBS0045PS@xxx.yyy.com"));
    assert_int_equal(id,
                     digest_hash_id(SPAN("\"01KF8JCEOCBS0045PS\"@xxx.yyy.com"))); /* RFC 5256 §3 */
    assert_int_equal(id, digest_hash_id(SPAN(" 01KF8JCEOCBS0045PS@\r\n xxx.yyy.com\t")));
    assert_int_equal(id, digest_hash_id(SPAN("\"01KF8JCEOCBS\\0045PS\"@xxx.yyy.com")));
    assert_int_not_equal(id, digest_hash_id(SPAN("01KF8JCEOCBS0045PS@xxx.yyy.org")));
    assert_int_not_equal(digest_hash_id(SPAN("A@b")), digest_hash_id(SPAN("a@b")));
    assert_int_not_equal(digest_hash_id(SPAN("\"a b\"@c")), digest_hash_id(SPAN("ab@c")));
    assert_int_not_equal(digest_hash_id(SPAN("\"")), 0);
    assert_int_not_equal(digest_hash_id(SPAN("\"\\")), 0);
}

/* --- the record --- */

static struct digest sample(void)
{
    return (struct digest){
        .dated = true,
        .sent = {.utc = -5, .zone_minutes = -90},
        .subject = SPAN("s"),
        .reply = true,
        .from = SPAN("from"),
        .to = SPAN(""),
        .cc = SPAN("c"),
        .from_display = SPAN("From"),
        .to_display = SPAN("t"),
        .id = UINT64_C(0xfedcba9876543210),
        .reference_count = 2,
    };
}

static void records_are_read_as_they_were_written(void **state)
{
    (void)state;
    const uint64_t references[] = {7, UINT64_MAX};
    struct digest in = sample(), out;
    struct buf record;
    buf_init(&record, 1000);
    digest_write(&in, references, &record);
    assert_true(digest_open(buf_span(&record), &out));
    assert_true(out.dated && out.reply);
    assert_int_equal(out.sent.utc, -5);
    assert_int_equal(out.sent.zone_minutes, -90);
    unit_assert_span(out.subject, "s");
    unit_assert_span(out.from, "from");
    unit_assert_span(out.to, "");
    unit_assert_span(out.cc, "c");
    unit_assert_span(out.from_display, "From");
    unit_assert_span(out.to_display, "t");
    assert_int_equal(out.id, in.id);
    assert_int_equal(out.reference_count, 2);
    assert_int_equal(digest_reference(&out, 0), 7);
    assert_int_equal(digest_reference(&out, 1), UINT64_MAX);
    buf_fini(&record);
}

static void long_texts_and_lists_are_cut(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_BYTES + 20];
    uint64_t references[DIGEST_REFERENCE_COUNT + 5];
    struct digest in = {.reference_count = UNIT_COUNT(references)}, out;
    struct buf record;
    memset(text, 'a', sizeof text);
    memcpy(text + DIGEST_TEXT_BYTES - 1, "\xc3\xa9", 2); /* must not be cut in two */
    in.subject = span_of(text, sizeof text);
    for (size_t i = 0; i < UNIT_COUNT(references); i++)
        references[i] = i;
    buf_init(&record, 10000);
    digest_write(&in, references, &record);
    assert_true(digest_open(buf_span(&record), &out));
    assert_false(out.dated || out.reply);
    assert_int_equal(out.subject.n, DIGEST_TEXT_BYTES - 1);
    assert_int_equal(out.reference_count, DIGEST_REFERENCE_COUNT);
    assert_int_equal(digest_reference(&out, 0), 0);
    assert_int_equal(digest_reference(&out, 1), 6);
    assert_int_equal(digest_reference(&out, DIGEST_REFERENCE_COUNT - 1),
                     DIGEST_REFERENCE_COUNT + 4);
    buf_fini(&record);
}

static void damage_is_seen(void **state)
{
    (void)state;
    const uint64_t references[] = {1, 2};
    struct digest in = sample(), out;
    struct buf record;
    buf_init(&record, 1000);
    digest_write(&in, references, &record);
    for (size_t n = 0; n < record.n; n++) {
        char *exact = mem_alloc(n + !n);
        memcpy(exact, record.p, n);
        assert_false(digest_open(span_of(exact, n), &out));
        mem_free(exact);
    }
    for (size_t i = 0; i < record.n; i++) { /* must not be read beyond its end whatever it says */
        char was = record.p[i];
        for (int c = 0; c < 256; c += 5) {
            record.p[i] = (char)c;
            if (digest_open(buf_span(&record), &out) && out.reference_count > 0)
                (void)digest_reference(&out, out.reference_count - 1);
        }
        record.p[i] = was;
    }
    buf_fini(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_subjects_are_as_the_procedure_says),
        cmocka_unit_test(hostile_subjects_end),
        cmocka_unit_test(ids_are_hashed_in_their_normal_form),
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(long_texts_and_lists_are_cut),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, unit_arena_new, unit_arena_free);
}
