#include "imapd/imap_cache.h"

#include "store/blob.h"
#include "store/msg.h"
#include "tests/unit/store/unit_store.h"

enum act { ACT_MAKE, ACT_APPEND, ACT_SEEN, ACT_UNSEEN, ACT_EXPUNGE };

struct step {
    struct store_op op;
    enum act act;
    uint32_t first, last; /* UIDs; ACT_APPEND: how many messages */
    struct blob_writer *writer;
};

static uint64_t account, mailbox;

static enum err step_append(struct txn *t, const struct step *s, struct fault *f)
{
    uint64_t blob;
    uint32_t uid;
    enum err e = blob_put(t, s->writer, SPAN("x"), s->first, &blob, f);
    for (uint32_t i = 0; e == ERR_OK && i < s->first; i++) {
        const struct msg_new m = {.blob = blob, .bytes = 3};
        e = msg_append(t, mailbox, &m, &uid, f);
    }
    return e;
}

static enum err step_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct step *s = (const struct step *)(void *)op;
    struct uidset uids = {0}, changed = {0}, refused = {0};
    struct flags_change seen = {.how = s->act == ACT_SEEN ? FLAGS_ADD : FLAGS_REMOVE,
                                .wanted = {.system = FLAGS_SEEN}};
    enum err e = ERR_OK;
    if (s->act != ACT_MAKE && s->act != ACT_APPEND)
        uidset_add(&uids, s->first, s->last);
    switch (s->act) {
    case ACT_MAKE:
        e = txn_new_id(t, &account, f);
        if (e == ERR_OK)
            e = mailbox_create(t, account, SPAN("box"), 0, &mailbox, f);
        break;
    case ACT_APPEND:
        e = step_append(t, s, f);
        break;
    case ACT_SEEN:
    case ACT_UNSEEN:
        e = flags_store(t, mailbox, &uids, &seen, &changed, &refused, f);
        break;
    case ACT_EXPUNGE:
        e = msg_expunge(t, mailbox, &uids, false, &changed, f);
        break;
    }
    uidset_fini(&uids);
    uidset_fini(&changed);
    uidset_fini(&refused);
    return e;
}

static void act(struct store *st, enum act what, uint32_t first, uint32_t last)
{
    struct fault f = FAULT_NONE;
    struct unit_box home = UNIT_BOX;
    struct step s = {.op = {.apply = step_apply}, .act = what, .first = first, .last = last};
    if (what == ACT_APPEND) {
        s.writer = blob_begin(st, &home.post, NULL, NULL);
        blob_write(s.writer, SPAN("x\r\n"));
    }
    unit_assert_ok(committer_run(st, &s.op, &f), &f);
    blob_end(&s.writer, true);
}

static void check(struct store *st, struct imap_cache *c, const char *uids, uint32_t first_unseen)
{
    struct fault f = FAULT_NONE;
    struct mailbox box;
    struct imap_cache_box *got;
    struct buf text;
    struct txn *t = unit_read(st);
    unit_assert_ok(mailbox_get(t, NULL, mailbox, &box, &f), &f);
    unit_assert_ok(imap_cache_look(c, t, &box, &got, &f), &f);
    buf_init(&text, 1000);
    uidset_text(&got->uids, &text);
    unit_assert_same(buf_span(&text), span_cstr(uids));
    assert_int_equal(got->first_unseen, first_unseen);
    assert_int_equal(got->modseq, box.highestmodseq);
    buf_fini(&text);
    txn_read_end(&t);
}

/* After every change what is kept from before and what a fresh look finds are the same. */
static void cache_exact(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { enum act act; uint32_t first, last; const char *uids; uint32_t first_unseen; } steps[] = {
        {ACT_MAKE,    0, 0,  "",         0},
        {ACT_APPEND,  5, 0,  "1:5",      1},
        {ACT_SEEN,    2, 3,  "1:5",      1},
        {ACT_SEEN,    1, 1,  "1:5",      4},
        {ACT_UNSEEN,  3, 3,  "1:5",      3},
        {ACT_EXPUNGE, 3, 3,  "1:2,4:5",  4},
        {ACT_SEEN,    1, 9,  "1:2,4:5",  0},
        {ACT_APPEND,  2, 0,  "1:2,4:7",  6},
        {ACT_UNSEEN,  1, 1,  "1:2,4:7",  1},
        {ACT_EXPUNGE, 1, 6,  "7",        7},
        {ACT_EXPUNGE, 7, 7,  "",         0},
        {ACT_APPEND,  1, 0,  "8",        8},
    };
    /* clang-format on */
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct imap_cache warm, seldom;
    imap_cache_init(&warm);
    imap_cache_init(&seldom);
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        act(st, steps[i].act, steps[i].first, steps[i].last);
        struct imap_cache cold;
        imap_cache_init(&cold);
        check(st, &cold, steps[i].uids, steps[i].first_unseen);
        imap_cache_fini(&cold);
        check(st, &warm, steps[i].uids, steps[i].first_unseen);
        if (i % 3 == 0) /* several changes at once */
            check(st, &seldom, steps[i].uids, steps[i].first_unseen);
    }
    imap_cache_fini(&warm);
    imap_cache_fini(&seldom);
    store_close(&st);
}

static uint32_t recent_from(struct store *st, struct imap_cache *c)
{
    struct fault f = FAULT_NONE;
    struct mailbox box;
    struct imap_cache_box *got;
    struct txn *t = unit_read(st);
    unit_assert_ok(mailbox_get(t, NULL, mailbox, &box, &f), &f);
    unit_assert_ok(imap_cache_look(c, t, &box, &got, &f), &f);
    txn_read_end(&t);
    return got->recent_from;
}

/* What a session was told is \Recent to no other, before the row says so; it never comes back. */
static void cache_recent(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct imap_cache c;
    imap_cache_init(&c);
    act(st, ACT_MAKE, 0, 0);
    act(st, ACT_APPEND, 5, 0);
    imap_cache_recent_told(&c, mailbox, 6); /* nobody has looked: there is nothing to note */
    assert_true(recent_from(st, &c) <= 1);
    imap_cache_recent_told(&c, mailbox, 4);
    assert_int_equal(recent_from(st, &c), 4);
    imap_cache_recent_told(&c, mailbox, 3);
    assert_int_equal(recent_from(st, &c), 4);
    act(st, ACT_APPEND, 1, 0);
    imap_cache_recent_told(&c, mailbox, 7);
    assert_int_equal(recent_from(st, &c), 7);
    imap_cache_fini(&c);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(cache_exact), unit_test_dir(cache_recent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
