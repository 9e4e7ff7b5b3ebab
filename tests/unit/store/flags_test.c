#include "store/flags.h"

#include "tests/unit/store/unit_mail.h"

static struct uidset set, changed, modified;

/* FLAGS: "S$Junk x": letters of SAFDR, then keywords. */
static enum err store(struct txn *t, enum flags_how how, uint32_t system,
                      const struct span *keywords, size_t n, uint64_t since)
{
    struct flags_change c = {.how = how,
                             .wanted = {system, keywords, n},
                             .conditional = since != UINT64_MAX,
                             .unchangedsince = since};
    struct fault f = FAULT_NONE;
    return flags_store(t, unit_inbox, &set, &c, &changed, &modified, &f);
}

static void store_run(struct txn *t)
{
    struct span xy[] = {SPAN("$X"), SPAN("y")}, x[] = {SPAN("$x")}, many[12];
    char names[12][4];
    for (int i = 0; i < 4; i++)
        (void)unit_append(t, unit_inbox, i == 1 ? FLAGS_SEEN : 0);
    struct {
        const char *uids;
        enum flags_how how;
        uint32_t system;
        const struct span *keywords;
        size_t n;
        const char *changed, *mail;
    } cases[] = {
        {"1:4", FLAGS_ADD, FLAGS_SEEN, NULL, 0, "1,3:4", "1 S,2 S,3 S,4 S"},
        {"1:4294967295", FLAGS_ADD, FLAGS_SEEN, NULL, 0, "", "1 S,2 S,3 S,4 S"},
        {"2:3,9", FLAGS_REPLACE, FLAGS_DELETED, xy, 2, "2:3", "1 S,2 D $X y,3 D $X y,4 S"},
        {"3:4", FLAGS_REMOVE, FLAGS_SEEN | FLAGS_DRAFT, x, 1, "3:4", "1 S,2 D $X y,3 D y,4 -"},
        {"3:4", FLAGS_REMOVE, 0, (struct span[]){SPAN("unknown")}, 1, "", "1 S,2 D $X y,3 D y,4 -"},
        {"1,4", FLAGS_ADD, FLAGS_ANSWERED | FLAGS_FLAGGED | FLAGS_DRAFT, x, 1, "1,4",
         "1 SAFR $X,2 D $X y,3 D y,4 AFR $X"},
        {"1:3", FLAGS_REPLACE, 0, NULL, 0, "1:3", "1 -,2 -,3 -,4 AFR $X"},
        {"4", FLAGS_REPLACE, 0, NULL, 0, "4", "1 -,2 -,3 -,4 -"},
        {"", FLAGS_ADD, FLAGS_SEEN, NULL, 0, "", "1 -,2 -,3 -,4 -"},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        uidset_clear(&set);
        for (const char *p = cases[i].uids; *p;) {
            char *end;
            uint32_t first = (uint32_t)strtoul(p, &end, 10),
                     last = *end == ':' ? (uint32_t)strtoul(end + 1, &end, 10) : first;
            uidset_add(&set, first, last);
            p = *end ? end + 1 : end;
        }
        assert_int_equal(
            store(t, cases[i].how, cases[i].system, cases[i].keywords, cases[i].n, UINT64_MAX),
            ERR_OK);
        unit_assert_uids(&changed, cases[i].changed);
        unit_assert_uids(&modified, "");
        unit_assert_mail(t, unit_inbox, cases[i].mail);
    }
    for (int i = 0; i < 12; i++) { /* a second byte of the bitmap */
        (void)snprintf(names[i], sizeof names[i], "k%02d", i);
        many[i] = span_cstr(names[i]);
    }
    uidset_add(&set, 2, 2);
    assert_int_equal(store(t, FLAGS_ADD, 0, many, 12, UINT64_MAX), ERR_OK);
    assert_int_equal(store(t, FLAGS_REMOVE, 0, many, 11, UINT64_MAX), ERR_OK);
    unit_assert_mail(t, unit_inbox, "1 -,2 - k11,3 -,4 -");
    assert_int_equal(store(t, FLAGS_REMOVE, 0, many, 12, UINT64_MAX), ERR_OK);
    unit_assert_mail(t, unit_inbox, "1 -,2 -,3 -,4 -");
}

static void flags_storing(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, store_run);
    unit_mail_close(&st);
}

/* --- RFC 7162 §3.1.3 --- */

static uint64_t first_modseq;

static void condition_make(struct txn *t)
{
    for (int i = 0; i < 3; i++)
        (void)unit_append(t, unit_inbox, 0);
    first_modseq = txn_modseq(t);
}

static void condition_touch(struct txn *t)
{
    uidset_clear(&set);
    uidset_add(&set, 2, 2);
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_FLAGGED, NULL, 0, first_modseq), ERR_OK);
    unit_assert_uids(&changed, "2");
}

static void condition_run(struct txn *t)
{
    uidset_clear(&set);
    uidset_add(&set, 1, 9);
    struct mailbox before = unit_mailbox(t, unit_inbox);
    assert_true(before.highestmodseq > first_modseq);
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_SEEN, NULL, 0, 0), ERR_OK);
    unit_assert_uids(&changed, "");
    unit_assert_uids(&modified, "1:3");
    assert_int_equal(unit_mailbox(t, unit_inbox).highestmodseq, before.highestmodseq);
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_SEEN | FLAGS_FLAGGED, NULL, 0, first_modseq),
                     ERR_OK);
    unit_assert_uids(&changed, "1,3");
    unit_assert_uids(&modified, "2");
    assert_int_equal(store(t, FLAGS_REPLACE, FLAGS_FLAGGED, NULL, 0, first_modseq), ERR_OK);
    unit_assert_uids(&modified, "1:3");
    unit_assert_mail(t, unit_inbox, "1 SF,2 F,3 SF");
    assert_int_equal(store(t, FLAGS_REMOVE, FLAGS_FLAGGED | FLAGS_SEEN, NULL, 0, 0), ERR_OK);
    unit_assert_uids(&modified, "1:3");
    /* what changed was something else, RFC 7162 §3.1.12 */
    struct span key = SPAN("$Key");
    assert_int_equal(store(t, FLAGS_REMOVE, FLAGS_FLAGGED | FLAGS_SEEN, NULL, 0, first_modseq),
                     ERR_OK);
    unit_assert_uids(&changed, "1,3");
    unit_assert_uids(&modified, "2");
    assert_int_equal(store(t, FLAGS_ADD, 0, &key, 1, 0), ERR_OK);
    unit_assert_uids(&changed, "1:3");
    unit_assert_uids(&modified, "");
    assert_int_equal(store(t, FLAGS_ADD, 0, &key, 1, 0), ERR_OK);
    unit_assert_uids(&modified, "1:3");
    assert_int_equal(store(t, FLAGS_REMOVE, 0, &key, 1, first_modseq), ERR_OK);
    unit_assert_uids(&changed, "1:3");
    unit_assert_uids(&modified, "");
    assert_int_equal(store(t, FLAGS_REMOVE, 0, &key, 1, first_modseq), ERR_OK);
    unit_assert_uids(&modified, "1:3");
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_SEEN | FLAGS_FLAGGED, NULL, 0, first_modseq),
                     ERR_OK);
    unit_assert_uids(&changed, "1,3");
    assert_int_equal(store(t, FLAGS_REMOVE, FLAGS_FLAGGED, NULL, 0, first_modseq + 1000), ERR_OK);
    unit_assert_uids(&changed, "1:3");
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_FLAGGED, NULL, 0, first_modseq + 1000), ERR_OK);
    uidset_clear(&set);
    uidset_add(&set, 1, 1);
    uidset_add(&set, 3, 3);
    assert_int_equal(store(t, FLAGS_REMOVE, FLAGS_FLAGGED, NULL, 0, first_modseq + 1000), ERR_OK);
    unit_assert_mail(t, unit_inbox, "1 S,2 F,3 S");
    assert_int_equal(unit_mailbox(t, unit_inbox).unseen, 1);
    assert_int_equal(unit_mailbox(t, unit_inbox).highestmodseq, txn_modseq(t));
}

static void flags_unchangedsince(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, condition_make);
    unit_run(st, condition_touch);
    unit_run(st, condition_run);
    unit_mail_close(&st);
}

/* --- limits --- */

static void limits_run(struct txn *t)
{
    static char names[MAILBOX_KEYWORD_COUNT + 1][8];
    static struct span all[MAILBOX_KEYWORD_COUNT + 1];
    char long_name[MAILBOX_KEYWORD_BYTES + 1];
    memset(long_name, 'k', sizeof long_name);
    for (int i = 0; i <= MAILBOX_KEYWORD_COUNT; i++) {
        (void)snprintf(names[i], sizeof names[i], "k%d", i);
        all[i] = span_cstr(names[i]);
    }
    (void)unit_append(t, unit_inbox, 0);
    uidset_clear(&set);
    uidset_add(&set, 1, 1);
    struct {
        struct span keyword;
        enum err e;
    } cases[] = {
        {SPAN(""), ERR_INVALID},
        {SPAN("a b"), ERR_INVALID},
        {SPAN("a\0"), ERR_INVALID},
        {SPAN("\\Seen"), ERR_INVALID},
        {SPAN("a]"), ERR_INVALID},
        {SPAN("\xc3\xbc"), ERR_INVALID},
        {SPAN("a*"), ERR_INVALID},
        {span_of(long_name, sizeof long_name), ERR_LIMIT},
        {span_of(long_name, sizeof long_name - 1), ERR_OK},
        {SPAN("$MDNSent"), ERR_OK},
        {SPAN("[a"), ERR_OK},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        assert_int_equal(store(t, FLAGS_REPLACE, 0, &cases[i].keyword, 1, UINT64_MAX), cases[i].e);
    assert_int_equal(unit_mailbox(t, unit_inbox).keyword_count, 3);
    assert_int_equal(store(t, FLAGS_ADD, 0, all, MAILBOX_KEYWORD_COUNT - 2, UINT64_MAX), ERR_LIMIT);
    assert_int_equal(unit_mailbox(t, unit_inbox).keyword_count, 3);
    assert_int_equal(store(t, FLAGS_ADD, 0, all, MAILBOX_KEYWORD_COUNT - 3, UINT64_MAX), ERR_OK);
    assert_int_equal(store(t, FLAGS_ADD, 0, all, MAILBOX_KEYWORD_COUNT - 3, UINT64_MAX), ERR_OK);
    assert_int_equal(store(t, FLAGS_ADD, 0, &all[MAILBOX_KEYWORD_COUNT], 1, UINT64_MAX), ERR_LIMIT);
    struct flags_change c = {.how = FLAGS_ADD};
    unit_err(flags_store(t, 4711, &set, &c, &changed, &modified, f), ERR_NOTFOUND);
    struct arena *a = arena_new();
    struct span bitmap, none = SPAN("");
    unit_ok(flags_bitmap(t, a, unit_box(t, "Sent"),
                         (struct span[]){SPAN("a"), SPAN("B"), SPAN("A")}, 3, &bitmap, f));
    unit_assert_span(bitmap, "\3");
    unit_ok(flags_bitmap(t, a, unit_box(t, "Sent"), (struct span[]){SPAN("b")}, 1, &bitmap, f));
    unit_assert_span(bitmap, "\2");
    unit_err(flags_bitmap(t, a, unit_box(t, "Sent"), &none, 1, &bitmap, f), ERR_INVALID);
    arena_free(&a);
}

static void flags_limits(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, limits_run);
    unit_mail_close(&st);
}

/* --- how long does it take: for people --- */

#define MANY 100000

static void many_make(struct txn *t)
{
    static const char text[] = "Subject: many\r\n\r\n";
    struct msg_new m = {.blob = unit_body(t, text, MANY), .bytes = sizeof text - 1};
    for (int i = 0; i < MANY; i++)
        unit_ok(msg_append(t, unit_inbox, &m, NULL, f));
}

static void many_store(struct txn *t)
{
    uidset_clear(&set);
    uidset_add(&set, 1, UINT32_MAX);
    assert_int_equal(store(t, FLAGS_ADD, FLAGS_SEEN, NULL, 0, UINT64_MAX), ERR_OK);
    assert_int_equal(uidset_count(&changed), MANY);
}

static void many_copy(struct txn *t)
{
    unit_ok(msg_copy(t, unit_inbox, &set, unit_box(t, "Archive"), NULL, NULL, f));
}

static void many_expunge(struct txn *t)
{
    unit_ok(msg_expunge(t, unit_inbox, &set, false, NULL, f));
}

static void flags_of_many(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*run)(struct txn *t);
    } steps[] = {{"append", many_make},
                 {"flags", many_store},
                 {"copy", many_copy},
                 {"expunge", many_expunge}};
    struct store_options o = unit_options();
    o.cache_bytes = 64u << 20;
    struct store *st = unit_store_open(&o);
    unit_run(st, unit_account_make);
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        uint64_t began = clock_ms();
        unit_run(st, steps[i].run);
        print_message("%d messages: %s in %u ms\n", MANY, steps[i].what,
                      (unsigned)(clock_ms() - began));
    }
    unit_mail_close(&st);
}

static int sets_fini(void **state)
{
    (void)state;
    uidset_fini(&set);
    uidset_fini(&changed);
    uidset_fini(&modified);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(flags_storing),
        unit_test_dir(flags_unchangedsince),
        unit_test_dir(flags_limits),
        unit_test_dir(flags_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, sets_fini);
}
