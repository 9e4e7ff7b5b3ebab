#include "imapd/imap_flagset.h"

#include "tests/unit/store/unit_mail.h"

static struct imap_flagset *made;
static const size_t bits[] = {0};

static void make_messages(struct txn *t)
{
    struct span keywords[] = {SPAN("$a")};
    (void)unit_append(t, unit_inbox, FLAGS_SEEN);
    (void)unit_append(t, unit_inbox, FLAGS_SEEN | FLAGS_FLAGGED);
    (void)unit_append_with(t, unit_inbox, 0, keywords, 1);
    (void)unit_append(t, unit_inbox, FLAGS_FLAGGED);
}

static void change_messages(struct txn *t)
{
    struct flags_change unseen = {.how = FLAGS_REMOVE, .wanted = {.system = FLAGS_SEEN}};
    struct uidset uids = {0}, changed = {0}, refused = {0}, gone = {0};
    uidset_add(&uids, 1, 1);
    unit_ok(flags_store(t, unit_inbox, &uids, &unseen, &changed, &refused, f));
    uidset_add(&gone, 4, 4);
    unit_ok(msg_expunge(t, unit_inbox, &gone, false, NULL, f));
    (void)unit_append(t, unit_inbox, FLAGS_DELETED | FLAGS_FLAGGED);
    uidset_fini(&uids);
    uidset_fini(&changed);
    uidset_fini(&refused);
    uidset_fini(&gone);
}

static void assert_uids(const struct uidset *uids, const char *expected)
{
    struct buf text;
    buf_init(&text, 1000);
    uidset_text(uids, &text);
    unit_assert_same(buf_span(&text), span_cstr(expected));
    buf_fini(&text);
}

static void assert_flags(const char *seen, const char *flagged, const char *deleted,
                         const char *keyword)
{
    assert_uids(imap_flagset_flag(made, FLAGS_SEEN), seen);
    assert_uids(imap_flagset_flag(made, FLAGS_FLAGGED), flagged);
    assert_uids(imap_flagset_flag(made, FLAGS_DELETED), deleted);
    assert_uids(imap_flagset_keyword(made, bits[0]), keyword);
}

/* Made from all rows, then brought up to date from what changed. */
static void flagset_follows(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    struct mailbox box;
    struct msg_walk w;
    struct msg row;
    unit_run(st, make_messages);
    struct txn *t = unit_read(st);
    unit_ok(mailbox_get(t, NULL, unit_inbox, &box, f));
    made = imap_flagset_new(box.highestmodseq, bits, UNIT_COUNT(bits));
    msg_walk(&w, t, unit_inbox, 1, false);
    while (msg_walk_next(&w, &row))
        imap_flagset_row(made, &row);
    unit_ok(msg_walk_end(&w, f));
    unit_ok(imap_flagset_refresh(made, t, &box, f));
    txn_read_end(&t);
    assert_flags("1:2", "2,4", "", "3");
    assert_null(imap_flagset_keyword(made, 7));
    assert_true(imap_flagset_ranges(made) >= 4);

    unit_run(st, change_messages);
    t = unit_read(st);
    unit_ok(mailbox_get(t, NULL, unit_inbox, &box, f));
    assert_true(made->modseq < box.highestmodseq);
    unit_ok(imap_flagset_refresh(made, t, &box, f));
    assert_true(made->modseq == box.highestmodseq);
    txn_read_end(&t);
    assert_flags("2", "2,5", "5", "3");
    imap_flagset_free(&made);
    assert_null(made);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(flagset_follows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
