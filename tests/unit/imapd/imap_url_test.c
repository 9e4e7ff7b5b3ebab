#include "imapd/imap_url.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
    const char *text;
    bool good;
    const char *user, *host, *mailbox, *section;
    uint32_t uidvalidity, uid;
    bool partial;
    uint64_t from, max_bytes;
} cases[] = {
    /* RFC 4469 appendix A, RFC 8508 §4.2, RFC 5092 §10 */
    {"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", true, "", "", "Drafts", "HEADER", 385759045, 20, false, 0, 0},
    {"/Drafts;UIDVALIDITY=385759045/;UID=20/;Section=2.MIME", true, "", "", "Drafts", "2.MIME", 385759045, 20, false, 0, 0},
    {"/INBOX;UIDVALIDITY=785799047/;UID=11467", true, "", "", "INBOX", "", 785799047, 11467, false, 0, 0},
    {"/Drafts/;UID=3002", true, "", "", "Drafts", "", 0, 3002, false, 0, 0},
    {"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024", true, "", "minbari.example.org", "gray-council", "", 385759045, 20, true, 0, 1024},
    {"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97/;UID=1", true, "", "psicorp.example.org", "~peter/日本語/台北", "", 0, 1, false, 0, 0},
    {"imap://;AUTH=*@minbari.example.org/gray%20council/;uid=20/;section=1.2", true, "", "minbari.example.org", "gray council", "1.2", 0, 20, false, 0, 0},
    {"imap://john%40example.org;AUTH=GSSAPI@minbari.example.org:143/a/b/;UID=20", true, "john@example.org", "minbari.example.org", "a/b", "", 0, 20, false, 0, 0},
    {"imap://john@example.org@minbari.example.org/a/;UID=20", true, "john@example.org", "minbari.example.org", "a", "", 0, 20, false, 0, 0},
    {"//john@[::1]/a/;UID=20", true, "john", "[::1]", "a", "", 0, 20, false, 0, 0},
    {"/a/;UID=1/;PARTIAL=7", true, "", "", "a", "", 0, 1, true, 7, 0},
    {"/a/;UID=1/;SECTION=/;PARTIAL=7.8", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=1/;SECTION=HEADER.FIELDS%20(X%20Y)/;PARTIAL=7.8", true, "", "", "a", "HEADER.FIELDS (X Y)", 0, 1, true, 7, 8},
    /* what is none, or not of a message */
    {"", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/", false, "", "", "", "", 0, 0, false, 0, 0},
    {"//", false, "", "", "", "", 0, 0, false, 0, 0},
    {"imap://", false, "", "", "", "", 0, 0, false, 0, 0},
    {"imap://h", false, "", "", "", "", 0, 0, false, 0, 0},
    {"imap://user@/a/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"imap://h:x/a/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"http://h/a/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"a/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {";UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=0", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=4294967296", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=1;URLAUTH=anonymous", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a;UIDVALIDITY=0/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a;UIDVALIDITY=x/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a;b/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%0/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%zz/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%00/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%0d%0a/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a%ff/;UID=1", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=1/;PARTIAL=", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=1/;PARTIAL=1.0", false, "", "", "", "", 0, 0, false, 0, 0},
    {"/a/;UID=1/;PARTIAL=1.", false, "", "", "", "", 0, 0, false, 0, 0},
};
/* clang-format on */

static void url_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct arena *a = arena_new();
        struct imap_url u;
        bool good = imap_url_parse(span_cstr(cases[i].text), a, &u);
        if (good != cases[i].good)
            fail_msg("%s: %d", cases[i].text, good);
        if (good) {
            unit_assert_same(u.user, span_cstr(cases[i].user));
            unit_assert_same(u.host, span_cstr(cases[i].host));
            unit_assert_same(u.mailbox, span_cstr(cases[i].mailbox));
            unit_assert_same(u.section, span_cstr(cases[i].section));
            assert_int_equal(u.uidvalidity, cases[i].uidvalidity);
            assert_int_equal(u.uid, cases[i].uid);
            assert_int_equal(u.partial, cases[i].partial);
            assert_int_equal(u.from, cases[i].from);
            assert_int_equal(u.max_bytes, cases[i].max_bytes);
        }
        arena_free(&a);
    }
}

/* Every beginning of one is read within its bounds. */
static void url_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        for (size_t n = 0; n <= strlen(cases[i].text); n++) {
            struct arena *a = arena_new();
            struct imap_url u;
            struct span cut = arena_keep(a, span_of(cases[i].text, n));
            (void)imap_url_parse(cut, a, &u);
            arena_free(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(url_cases), cmocka_unit_test(url_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
