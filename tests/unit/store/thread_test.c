#include "store/thread.h"
#include "store/bin.h"

#include "tests/unit/store/unit_mail.h"

static struct store *st;

/* The UID of a new message with that header. */
static uint32_t deliver(struct txn *t, const char *header)
{
    struct msg_new m = {.blob = unit_body(t, header, 1), .bytes = strlen(header)};
    uint32_t uid = 0;
    unit_ok(msg_append(t, unit_inbox, &m, &uid, f));
    return uid;
}

static struct msg message(struct txn *t, uint64_t mailbox, uint32_t uid)
{
    struct msg m;
    struct arena *a = arena_new();
    unit_ok(msg_get(t, a, mailbox, uid, &m, f));
    m.keywords = SPAN("");
    arena_free(&a);
    return m;
}

static uint64_t thread_of(struct txn *t, uint32_t uid)
{
    return message(t, unit_inbox, uid).thread;
}

/* --- the rows of an account --- */

static unsigned rows_of(struct txn *t, uint64_t account)
{
    struct schema_key k;
    struct span key, value, mine = schema_id_key(&k, account);
    struct table_walk w;
    unsigned n = 0;
    table_walk(&w, t, TABLE_THREAD, mine, false);
    while (table_walk_next(&w, &key, &value) && schema_has_prefix(key, mine))
        n++;
    unit_ok(table_walk_end(&w, f));
    return n;
}

/* --- */

static void converse(struct txn *t)
{
    uint32_t first = deliver(t, "Message-ID: <1@x>\r\n\r\n");
    uint32_t other = deliver(t, "Message-ID: <2@x>\r\n\r\n");
    uint32_t reply = deliver(t, "Message-ID: <3@x>\r\nIn-Reply-To: <1@x>\r\n\r\n");
    uint32_t again = deliver(t, "Message-ID: <4@x>\r\nReferences: <1@x> <3@x>\r\n\r\n");
    assert_int_not_equal(thread_of(t, first), 0);
    assert_int_not_equal(thread_of(t, first), thread_of(t, other));
    assert_int_equal(thread_of(t, reply), thread_of(t, first));
    assert_int_equal(thread_of(t, again), thread_of(t, first));
    assert_int_equal(thread_of(t, deliver(t, "Message-ID: <1@x>\r\n\r\n")),
                     thread_of(t, first)); /* twice */
    assert_int_equal(rows_of(t, unit_account), 4);
}

static void answers_come_before_what_they_answer(struct txn *t)
{
    uint32_t late = deliver(t, "Message-ID: <b@x>\r\nReferences: <r@x> <a@x>\r\n\r\n");
    uint32_t sibling = deliver(t, "Message-ID: <c@x>\r\nIn-Reply-To: <r@x>\r\n\r\n");
    uint32_t parent = deliver(t, "Message-ID: <a@x>\r\n\r\n");
    assert_int_equal(thread_of(t, sibling), thread_of(t, late));
    assert_int_equal(thread_of(t, parent), thread_of(t, late));
}

/* Ids that were given stay; the older one gets what comes. */
static void threads_that_meet_stay_two(struct txn *t)
{
    uint32_t older = deliver(t, "Message-ID: <o@m>\r\n\r\n");
    uint32_t newer = deliver(t, "Message-ID: <n@m>\r\n\r\n");
    uint64_t was = thread_of(t, newer);
    uint32_t both = deliver(t, "Message-ID: <b@m>\r\nReferences: <n@m> <o@m>\r\n\r\n");
    assert_int_equal(thread_of(t, both), thread_of(t, older));
    assert_int_equal(thread_of(t, newer), was);
    assert_int_equal(thread_of(t, deliver(t, "In-Reply-To: <n@m>\r\n\r\n")), was);
    assert_int_equal(thread_of(t, deliver(t, "In-Reply-To: <b@m>\r\n\r\n")), thread_of(t, older));
}

/* RFC 8474 §5.2: the same EMAILID, the same THREADID. */
static void one_body_has_one_thread(struct txn *t)
{
    static const char *const texts[] = {"\r\nno id at all", "In-Reply-To: <p@q>\r\n\r\n"};
    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        struct msg_new m = {.blob = unit_body(t, texts[i], 2), .bytes = strlen(texts[i])};
        uint32_t first = 0, second = 0;
        unit_ok(msg_append(t, unit_inbox, &m, &first, f));
        (void)deliver(t, "Message-ID: <p@q>\r\n\r\n");
        unit_ok(msg_append(t, unit_inbox, &m, &second, f));
        assert_int_not_equal(thread_of(t, first), 0);
        assert_int_equal(thread_of(t, first), thread_of(t, second));
    }
    assert_int_not_equal(thread_of(t, deliver(t, "\r\n")), thread_of(t, deliver(t, "\r\n")));
}

static void copies_keep_it(struct txn *t)
{
    struct uidset one = {0};
    uint32_t uid = deliver(t, "Message-ID: <k@x>\r\n\r\n");
    uint64_t sent = unit_box(t, "Sent"), drafts = unit_box(t, "Drafts");
    uint64_t thread = thread_of(t, uid);
    uidset_add(&one, uid, uid);
    unit_ok(msg_copy(t, unit_inbox, &one, sent, NULL, NULL, f));
    assert_int_equal(message(t, sent, 1).thread, thread);
    unit_ok(msg_move(t, unit_inbox, &one, drafts, NULL, NULL, f));
    assert_int_equal(message(t, drafts, 1).thread, thread);
    uidset_fini(&one);
}

static void the_bin_keeps_it(struct txn *t)
{
    struct uidset one = {0};
    unsigned n;
    uint32_t uid = deliver(t, "In-Reply-To: <1@x>\r\n\r\nin the bin");
    uint64_t thread = thread_of(t, uid);
    unit_ok(thread_purge(t, unit_account, UINT32_MAX, &n, f)); /* nothing tells it any more */
    uidset_add(&one, uid, uid);
    unit_ok(msg_expunge(t, unit_inbox, &one, false, NULL, f));
    unit_ok(bin_restore(t, unit_account, 0, 100, &n, f));
    assert_int_equal(n, 1);
    assert_int_equal(thread_of(t, unit_mailbox(t, unit_inbox).uidnext - 1), thread);
    uidset_fini(&one);
}

static uint64_t bob, bob_inbox;

static void bob_comes(struct txn *t)
{
    struct mailbox box;
    unit_ok(directory_account_add(t, SPAN("bob@example.org"), SPAN("secret"), &bob, f));
    unit_ok(mailbox_find(t, NULL, bob, SPAN("INBOX"), &box, f));
    bob_inbox = box.id;
}

/* One message to two accounts: each has its own threads, also after a copy from one to the other. */
static void accounts_are_apart(struct txn *t)
{
    static const char text[] = "Message-ID: <both@x>\r\nReferences: <mine@x>\r\n\r\n";
    uint32_t mine = deliver(t, "Message-ID: <mine@x>\r\n\r\n"), uid = 0, his = 0;
    struct msg_new m = {.blob = unit_body(t, text, 2), .bytes = strlen(text)};
    unit_ok(msg_append(t, unit_inbox, &m, &uid, f));
    unit_ok(msg_append(t, bob_inbox, &m, &his, f));
    assert_int_equal(thread_of(t, uid), thread_of(t, mine));
    assert_int_equal(message(t, bob_inbox, his).thread, m.blob);
    struct uidset one = {0};
    uidset_add(&one, uid, uid);
    unit_ok(msg_copy(t, unit_inbox, &one, bob_inbox, NULL, NULL, f));
    assert_int_equal(message(t, bob_inbox, his + 1).thread, m.blob);
    uidset_fini(&one);
}

static void many_references(struct txn *t)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "References:");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, " <%d@many>\r\n", i);
    buf_addz(&text, "\r\n");
    buf_byte(&text, '\0');
    unsigned before = rows_of(t, unit_account);
    uint32_t uid = deliver(t, text.p);
    assert_int_equal(rows_of(t, unit_account), before + 32);
    assert_int_equal(thread_of(t, deliver(t, "In-Reply-To: <0@many>\r\n\r\n")), thread_of(t, uid));
    assert_int_equal(thread_of(t, deliver(t, "In-Reply-To: <999@many>\r\n\r\n")),
                     thread_of(t, uid));
    buf_fini(&text);
}

static void purge(struct txn *t)
{
    unsigned gone, all = rows_of(t, unit_account), his = rows_of(t, bob);
    unit_ok(thread_purge(t, unit_account, 3, &gone, f));
    assert_int_equal(gone, 3);
    assert_int_equal(rows_of(t, unit_account), all - 3);
    unit_ok(thread_purge(t, unit_account, UINT32_MAX, &gone, f));
    assert_int_equal(gone, all - 3);
    assert_int_equal(rows_of(t, unit_account), 0);
    assert_int_equal(rows_of(t, bob), his);
    assert_true(his > 0);
}

static bool removed;

static void bob_goes(struct txn *t)
{
    unit_ok(directory_account_remove(t, SPAN("bob@example.org"), 1, &removed, f));
    if (removed)
        assert_int_equal(rows_of(t, bob), 0);
}

static void threads(void **state)
{
    (void)state;
    st = unit_mail_open();
    unit_run(st, converse);
    unit_run(st, answers_come_before_what_they_answer);
    unit_run(st, threads_that_meet_stay_two);
    unit_run(st, one_body_has_one_thread);
    unit_run(st, copies_keep_it);
    unit_run(st, the_bin_keeps_it);
    unit_run(st, bob_comes);
    unit_run(st, accounts_are_apart);
    unit_run(st, many_references);
    unit_check_clean(st);
    unit_run(st, purge);
    while (!removed)
        unit_run(st, bob_goes);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
