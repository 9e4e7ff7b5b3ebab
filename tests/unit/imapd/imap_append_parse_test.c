#include "imapd/imap_append_parse.h"

#include "tests/unit/unit.h"

/* The pieces of a command, each but the last followed by a literal; and what becomes of them, a letter each: Message, Literal,
 * URL, Ended, All, Syntax. */
#define PIECES 6
/* clang-format off */
static const struct {
    const char *pieces[PIECES];
    bool ends; /* behind the last piece; else a literal follows that too */
    const char *items;
} cases[] = {
    {{" "}, false, "ML"},
    {{" ", ""}, true, "MLEA"},
    {{" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" ", ""}, true, "MLEA"},
    {{" (\\Seen) ", " (\\Flagged) ", " ", ""}, true, "MLEMLEMLEA"},
    {{" UTF8 (", ")"}, true, "MLEA"},
    {{" UTF8 (", ") ", ""}, true, "MLEMLEA"},
    {{" UTF8 (", ""}, true, "MLS"},
    {{" CATENATE (TEXT ", ")"}, true, "MLEA"},
    {{" CATENATE (URL \"/a/;UID=1\")"}, true, "MUEA"},
    {{" CATENATE (URL /a TEXT ", " TEXT ", " URL {1}\r\nb) () CATENATE (URL c) ", ""}, true, "MULLUEMUEMLEA"},
    {{" catenate (text ", " url x)"}, true, "MLUEA"},
    {{" CATENATE ()"}, true, "MS"},
    {{" CATENATE (TEXT x)"}, true, "MS"},
    {{" CATENATE (URL x"}, true, "MUS"},
    {{" CATENATE (URL x) y"}, true, "MUEMS"},
    {{" CATENATE (URL x)"}, false, "MUES"},
    {{" CATENATE (TEXT ", "TEXT ", ")"}, true, "MLS"},
    {{" CATENATE (", ")"}, true, "MS"},
    {{" (\\Recent) "}, false, "S"},
    {{"  "}, false, "MS"},
    {{" hello"}, true, "MS"},
    {{" ", "x"}, true, "MLES"},
    {{" ", ""}, false, "MLES"},
    {{""}, false, "S"},
};
/* clang-format on */

static void append_parse_cases(void **state)
{
    (void)state;
    static const char letters[] = "MLUEAS";
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct arena *a = arena_new();
        struct imap_append_parse p = {.where = IMAP_APPEND_BEGIN};
        char items[64];
        size_t n = 0, piece = 0;
        bool more = true;
        p.in = scan_of(span_cstr(cases[i].pieces[0]));
        p.literal = cases[i].pieces[1] || !cases[i].ends;
        while (more) {
            struct imap_append_item item;
            enum imap_append_what what = imap_append_parse_next(&p, a, &item);
            static const enum imap_append_what order[] = {IMAP_APPEND_MESSAGE, IMAP_APPEND_LITERAL,
                                                          IMAP_APPEND_URL,     IMAP_APPEND_ENDED,
                                                          IMAP_APPEND_ALL,     IMAP_APPEND_SYNTAX};
            for (size_t k = 0; k < UNIT_COUNT(order); k++) {
                if (order[k] == what)
                    items[n++] = letters[k];
            }
            more = what != IMAP_APPEND_ALL && what != IMAP_APPEND_SYNTAX;
            if (what == IMAP_APPEND_LITERAL) {
                piece++;
                more = piece < PIECES && cases[i].pieces[piece];
                p.in = scan_of(span_cstr(more ? cases[i].pieces[piece] : ""));
                p.literal =
                    more && ((piece + 1 < PIECES && cases[i].pieces[piece + 1]) || !cases[i].ends);
            }
            assert_true(n < sizeof items);
            assert_int_equal(what == IMAP_APPEND_SYNTAX, !scan_ok(&p.in));
        }
        items[n] = '\0';
        if (strcmp(items, cases[i].items) != 0)
            fail_msg("case %zu: %s, not %s", i, items, cases[i].items);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(append_parse_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
