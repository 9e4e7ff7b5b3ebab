#include "imapd/imap_thread_tree.h"

#include "tests/unit/unit.h"

#include "common/mem.h"

/* A message: id, references, sent date, subject (0: empty), whether it is a reply. Numbers are 1, 2, 3, ... */
struct row {
    uint64_t id, references[4];
    int64_t sent;
    uint64_t subject;
    bool reply;
};

#define ORDERED IMAP_THREAD_ORDEREDSUBJECT
#define REFERENCES IMAP_THREAD_REFERENCES
#define REFS IMAP_THREAD_REFS

/* clang-format off */
static const struct {
    const char *what;
    enum imap_thread_algorithm how;
    struct row rows[9];
    const char *text;
} cases[] = {
    {"none", REFERENCES, {{0}}, ""},
    {"one", REFERENCES, {{.id = 11}}, "(1)"},
    {"two threads by date", REFERENCES, {{.id = 11, .sent = 2, .subject = 1}, {.id = 12, .sent = 1, .subject = 2}}, "(2)(1)"},
    {"same date: as in the mailbox", REFERENCES, {{.id = 11, .subject = 1}, {.id = 12, .subject = 2}}, "(1)(2)"},
    {"a chain", REFERENCES,
     {{.id = 11, .sent = 1}, {.id = 12, .references = {11}, .sent = 2}, {.id = 13, .references = {11, 12}, .sent = 3}}, "(1 2 3)"},
    {"the example of BASE.7.2.THREAD", REFERENCES, /* 2; 3 6 (4 23)(44 7 96), here 1; 2 3 (4 5)(6 7 8) */
     {{.id = 1, .sent = 1}, {.id = 2, .sent = 2}, {.id = 3, .references = {2}, .sent = 3}, {.id = 4, .references = {3}, .sent = 4},
      {.id = 5, .references = {4}, .sent = 9}, {.id = 6, .references = {3}, .sent = 5}, {.id = 7, .references = {6}, .sent = 6},
      {.id = 8, .references = {7}, .sent = 7}}, "(1)(2 3 (4 5)(6 7 8))"},
    {"an absent parent with two", REFERENCES, {{.id = 3, .references = {99}}, {.id = 5, .references = {99}}}, "((1)(2))"},
    {"an absent parent with one", REFERENCES, {{.id = 3, .references = {98, 99}}}, "(1)"},
    {"absent ones in between", REFERENCES,
     {{.id = 1}, {.id = 2, .references = {1, 97, 98}, .sent = 2}, {.id = 3, .references = {1, 97, 99}, .sent = 1}}, "(1 (3)(2))"},
    {"siblings by date", REFERENCES, {{.id = 1}, {.id = 2, .references = {1}, .sent = 5}, {.id = 3, .references = {1}, .sent = 4}}, "(1 (3)(2))"},
    {"the same id twice: the first has it", REFERENCES,
     {{.id = 1}, {.id = 1, .sent = 1, .subject = 7}, {.id = 3, .references = {1}, .sent = 2}}, "(1 3)(2)"},
    {"a loop of two", REFERENCES, {{.id = 1, .references = {2}}, {.id = 2, .references = {1}}}, "(2 1)"},
    {"its own parent", REFERENCES, {{.id = 1, .references = {1}}}, "(1)"},
    {"twice in one list", REFERENCES, {{.id = 1, .references = {8, 9, 8}}, {.id = 8, .sent = -1}}, "(2 1)"},
    {"the last reference wins over what others said", REFERENCES,
     {{.id = 1}, {.id = 3, .references = {1, 2}, .sent = 3}, {.id = 4, .sent = 1, .subject = 5}, {.id = 2, .references = {4}, .sent = 2}},
     "(1)(3 4 2)"},
    {"no reference breaks what others said", REFERENCES,
     {{.id = 3, .references = {1, 2}, .sent = 3}, {.id = 1}, {.id = 2, .sent = 1}}, "(2)(3 1)"},
    {"a dummy is as old as its first child", REFERENCES,
     {{.id = 1, .references = {9}, .sent = 10}, {.id = 2, .sent = 5, .subject = 3}, {.id = 3, .references = {9}, .sent = 1}}, "((3)(1))(2)"},
    {"5: a reply below what it answers", REFERENCES,
     {{.id = 1, .subject = 4, .sent = 1}, {.id = 2, .subject = 4, .reply = true, .sent = 2}}, "(1 2)"},
    {"5: also if it is older", REFERENCES,
     {{.id = 1, .subject = 4, .sent = 2}, {.id = 2, .subject = 4, .reply = true, .sent = 1}}, "(1 2)"},
    {"5: two that are no replies", REFERENCES, {{.id = 1, .subject = 4, .sent = 1}, {.id = 2, .subject = 4, .sent = 2}}, "((1)(2))"},
    {"5: two replies", REFERENCES,
     {{.id = 1, .subject = 4, .reply = true}, {.id = 2, .subject = 4, .reply = true}}, "((1)(2))"},
    {"5: below a dummy", REFERENCES,
     {{.id = 1, .references = {9}, .subject = 4, .sent = 3}, {.id = 2, .references = {9}, .subject = 4, .sent = 4},
      {.id = 3, .subject = 4, .sent = 1}}, "((3)(1)(2))"},
    {"5: two dummies", REFERENCES,
     {{.id = 1, .references = {9}, .subject = 4, .sent = 1}, {.id = 2, .references = {9}, .subject = 5, .sent = 4},
      {.id = 3, .references = {8}, .subject = 4, .sent = 2}, {.id = 4, .references = {8}, .subject = 4, .sent = 3}}, "((1)(3)(4)(2))"},
    {"5: third one joins the new dummy", REFERENCES,
     {{.id = 1, .subject = 4, .sent = 1}, {.id = 2, .subject = 4, .sent = 2}, {.id = 3, .subject = 4, .sent = 3},
      {.id = 4, .subject = 4, .sent = 4, .reply = true}}, "((1)(2)(3)(4))"},
    {"5: an empty subject joins nothing", REFERENCES, {{.id = 1}, {.id = 2}}, "(1)(2)"},
    {"REFS: no merging by subject", REFS, {{.id = 1, .subject = 4}, {.id = 2, .subject = 4}}, "(1)(2)"},
    {"REFS: the latest message last", REFS,
     {{.id = 1, .sent = 1}, {.id = 2, .sent = 2}, {.id = 3, .references = {1}, .sent = 3}}, "(2)(1 3)"},
    {"REFS: else as in the mailbox", REFS,
     {{.id = 1, .sent = 3}, {.id = 2, .sent = 1}, {.id = 3, .references = {2}, .sent = 3}, {.id = 4, .references = {9}, .sent = 2},
      {.id = 5, .references = {9}, .sent = 3}}, "(1)(2 3)((4)(5))"},
    {"ORDEREDSUBJECT", ORDERED,
     {{.subject = 4, .sent = 3}, {.subject = 5, .sent = 2}, {.subject = 4, .sent = 1}, {.subject = 4, .sent = 5}, {.subject = 5, .sent = 9},
      {.subject = 6, .sent = 4}}, "(3 (1)(4))(2 5)(6)"},
};
/* clang-format on */

static void check(enum imap_thread_algorithm how, const struct row *rows, size_t n, size_t steps,
                  const char *what, const char *text)
{
    struct imap_thread_tree *t = imap_thread_tree_new(how, steps == 1 ? 0 : n);
    struct buf out;
    buf_init(&out, 1u << 20);
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        size_t references = 0;
        while (references < 4 && r->references[references])
            references++;
        imap_thread_tree_add(t, &(struct imap_thread_message){(uint32_t)i + 1, r->sent, r->subject,
                                                              r->reply, r->id, r->references,
                                                              references});
    }
    while (!imap_thread_tree_step(t, steps))
        ;
    while (!imap_thread_tree_text(t, steps, &out))
        ;
    buf_byte(&out, '\0');
    if (strcmp(out.p, text) != 0)
        fail_msg("%s: %s, not %s", what, out.p, text);
    buf_fini(&out);
    imap_thread_tree_free(&t);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t n = 0;
        for (size_t k = 0; k < 9; k++)
            if (cases[i].rows[k].id || cases[i].rows[k].subject)
                n = k + 1;
        check(cases[i].how, cases[i].rows, n, 1, cases[i].what, cases[i].text);
        check(cases[i].how, cases[i].rows, n, 1000, cases[i].what, cases[i].text);
    }
}

/* --- many, however they refer to one another --- */

#define MANY 100000u

static void thread_many(uint64_t (*id)(size_t i), size_t (*references)(size_t i, uint64_t *out),
                        struct buf *out)
{
    struct imap_thread_tree *t = imap_thread_tree_new(IMAP_THREAD_REFERENCES, MANY);
    uint64_t list[30];
    for (size_t i = 0; i < MANY; i++) {
        size_t n = references(i, list);
        imap_thread_tree_add(t, &(struct imap_thread_message){.number = (uint32_t)i + 1,
                                                              .sent = (int64_t)i,
                                                              .id = id(i),
                                                              .references = list,
                                                              .reference_count = n});
    }
    while (!imap_thread_tree_step(t, 4096))
        ;
    while (!imap_thread_tree_text(t, 65536, out))
        ;
    imap_thread_tree_free(&t);
}

static uint64_t upwards(size_t i)
{
    return i + 1;
}

static size_t one_before(size_t i, uint64_t *out)
{
    out[0] = i;
    return i > 0;
}

static size_t one_behind(size_t i, uint64_t *out)
{
    out[0] = i + 2;
    return 1;
}

/* Each refers to many of the others, in an order that no other has. */
static size_t all_over(size_t i, uint64_t *out)
{
    uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t k = 0; k < 30; k++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        out[k] = (x >> 33) % MANY + 1;
    }
    return 30;
}

static void assert_all_said(const struct buf *out)
{
    size_t numbers = 0, open = 0, deepest = 0;
    for (size_t i = 0; i < out->n; i++) {
        char c = out->p[i];
        bool digit = c >= '0' && c <= '9';
        numbers += digit && (i == 0 || out->p[i - 1] < '0' || out->p[i - 1] > '9');
        open += c == '(';
        deepest = open > deepest ? open : deepest;
        assert_true(c != ')' || open > 0);
        open -= c == ')';
    }
    assert_int_equal(numbers, MANY);
    assert_int_equal(open, 0);
    assert_true(out->n < 12 * (size_t)MANY);
}

static void test_many(void **state)
{
    (void)state;
    size_t (*const how[])(size_t, uint64_t *) = {one_before, one_behind, all_over};
    for (size_t i = 0; i < UNIT_COUNT(how); i++) {
        struct buf out;
        buf_init(&out, 16u << 20);
        thread_many(upwards, how[i], &out);
        assert_all_said(&out);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
