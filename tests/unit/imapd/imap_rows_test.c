#include "imapd/imap_rows.h"

#include "tests/unit/store/unit_mail.h"

static struct store *store;

/* Messages 1..40; every third is expunged, and 20..29. */
static void fill(struct txn *t)
{
    struct uidset gone = {0};
    for (uint32_t i = 1; i <= 40; i++)
        (void)unit_append(t, unit_inbox, i % 2 ? FLAGS_SEEN : 0);
    for (uint32_t i = 3; i <= 40; i += 3)
        uidset_add(&gone, i, i);
    uidset_add(&gone, 20, 29);
    unit_ok(msg_expunge(t, unit_inbox, &gone, false, NULL, f));
    uidset_fini(&gone);
}

static int begin(void **state)
{
    if (unit_dir_make(state) != 0)
        return -1;
    store = unit_mail_open();
    unit_run(store, fill);
    return 0;
}

static int end(void **state)
{
    unit_mail_close(&store);
    return unit_dir_remove(state);
}

static void add_text(struct uidset *s, const char *text)
{
    struct scan in = scan_of(span_cstr(text));
    while (!scan_done(&in)) {
        uint32_t a = scan_u32(&in, ""), b = a;
        if (scan_try(&in, ':'))
            b = scan_u32(&in, "");
        scan_try(&in, ',');
        uidset_add(s, a, b);
    }
}

/* clang-format off */
static const struct {
    const char *wanted, *found;
    bool missing;
} rows[] = {
    {"",              "",                                                    false},
    {"1",             "1",                                                   false},
    {"3",             "",                                                    true},
    {"40",            "40",                                                  false},
    {"41",            "",                                                    true},
    {"4294967295",    "",                                                    true},
    {"1,40,4294967295", "1,40",                                              true},
    {"1:2,4:5",       "1:2,4:5",                                             false},
    {"1:5",           "1:2,4:5",                                             true},
    {"18:31",         "19,31",                                               true},
    {"2,20,31",       "2,31",                                                true},
    {"1:40",          "1:2,4:5,7:8,10:11,13:14,16:17,19,31:32,34:35,37:38,40", true},
    {"1:2,4:5,7:8,10:11,13:14,16:17,19,31:32,34:35,37:38,40",
                      "1:2,4:5,7:8,10:11,13:14,16:17,19,31:32,34:35,37:38,40", false},
    {"1:4294967295",  "1:2,4:5,7:8,10:11,13:14,16:17,19,31:32,34:35,37:38,40", true},
};
/* clang-format on */

/* A slice of so many rows at a time, each with a transaction of its own, finds the same. */
static void walk(struct imap_rows *r, unsigned slice, struct uidset *found)
{
    struct fault f = FAULT_NONE;
    struct msg m;
    uint32_t last = 0;
    for (bool more = true; more;) {
        struct txn *t = NULL;
        unit_assert_ok(txn_read(store, &t, &f), &f);
        imap_rows_begin(r, t);
        for (unsigned n = 0; n < slice && (more = imap_rows_next(r, &m)); n++) {
            assert_true(m.uid > last);
            assert_int_equal(m.flags, m.uid % 2 ? FLAGS_SEEN : 0);
            last = m.uid;
            uidset_add(found, m.uid, m.uid);
        }
        if (more) { /* an error of the caller's goes before, and stays as it was told */
            (void)fault_set(&f, ERR_IO, "of the caller");
            assert_int_equal(imap_rows_end(r, ERR_IO, &f), ERR_IO);
            assert_string_equal(f.text, "of the caller");
            f = FAULT_NONE;
        } else {
            unit_assert_ok(imap_rows_end(r, ERR_OK, &f), &f);
        }
        txn_read_end(&t);
    }
}

static void rows_are_found(void **state)
{
    (void)state;
    static const unsigned slices[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t k = 0; k < UNIT_COUNT(slices); k++) {
            struct uidset wanted = {0}, found = {0};
            struct imap_rows r;
            add_text(&wanted, rows[i].wanted);
            imap_rows_init(&r, unit_inbox, &wanted);
            walk(&r, slices[k], &found);
            unit_assert_uids(&found, rows[i].found);
            if (r.missing != rows[i].missing)
                fail_msg("\"%s\": missing %d", rows[i].wanted, r.missing);
            uidset_fini(&wanted);
            uidset_fini(&found);
        }
    }
}

/* A gap so wide that walking over it is dearer than looking up the next. */
static void rows_seek(void **state)
{
    (void)state;
    struct uidset wanted = {0}, found = {0};
    struct imap_rows r;
    for (uint32_t i = 1; i <= 10; i++)
        uidset_add(&wanted, i, i);
    uidset_add(&wanted, 40, 40);
    imap_rows_init(&r, unit_inbox, &wanted);
    walk(&r, 1000, &found);
    unit_assert_uids(&found, "1:2,4:5,7:8,10,40");
    uidset_fini(&wanted);
    uidset_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_found),
                                       cmocka_unit_test(rows_seek)};
    return cmocka_run_group_tests(tests, begin, end);
}
