#include "store/dump.h"

#include "store/bin.h"
#include "store/credential.h"
#include "store/metadata.h"
#include "store/quota.h"
#include "tests/unit/store/unit_mail.h"

static struct buf first, second;
static size_t read_at, read_step;

static bool take(void *arg, struct span bytes)
{
    return buf_add(arg, bytes);
}

static long give(void *arg, char *into, size_t n)
{
    struct span rest = span_from(*(struct span *)arg, read_at);
    rest = span_to(rest, n < read_step ? n : read_step);
    if (rest.n)
        memcpy(into, rest.p, rest.n);
    read_at += rest.n;
    return (long)rest.n;
}

static void dump(struct store *st, struct buf *out)
{
    struct fault f = FAULT_NONE;
    buf_reset(out);
    unit_assert_ok(dump_write(st, take, out, &f), &f);
}

static enum err load(struct store *st, struct span text, struct fault *f)
{
    read_at = 0;
    return dump_load(st, give, &text, f);
}

static struct store *again(void)
{
    assert_int_equal(unit_dir_remove(NULL), 0);
    assert_int_equal(unit_dir_make(NULL), 0);
    struct store_options o = unit_options();
    return unit_store_open(&o);
}

/* --- there and back --- */

#define BIG 300001 /* bytes: several chunks and a tail */

/* What an account has besides its mail; bytes of every value. */
static void fill_account(struct txn *t, uint64_t account, bool own)
{
    struct credential_scram scram = {.iterations = {4096, 10000, UINT32_MAX}, .own = own};
    struct credential_app app = {.name = SPAN("t\xc3\xa4 \"blet\\"),
                                 .created = 1,
                                 .expires = INT64_MAX,
                                 .protocols = 7,
                                 .used_from = SPAN("::1")};
    const struct quota_amount limit = {INT64_MAX, QUOTA_NONE, own ? 0 : 100};
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    memcpy(scram.salt, all + 240, sizeof scram.salt);
    memcpy(scram.keys.bytes, all, sizeof scram.keys.bytes);
    memcpy(app.keys.bytes, all + 20, sizeof app.keys.bytes);
    memcpy(app.digest, all + 200, sizeof app.digest);
    unit_ok(credential_scram_put(t, account, &scram, f));
    unit_ok(credential_app_add(t, account, &app, f));
    app.name = SPAN("b");
    app.from = SPAN("192.0.2.0/24,2001:db8::/32");
    unit_ok(credential_app_add(t, account, &app, f));
    unit_ok(quota_set(t, account, &limit, f));
    unit_ok(metadata_put(t, account, METADATA_SERVER, account, SPAN("/private/x"),
                         span_of(all, sizeof all), f));
    unit_ok(
        metadata_put(t, unit_account, unit_inbox, account, SPAN("/private/comment"), SPAN(""), f));
    unit_ok(metadata_put(t, unit_account, unit_inbox, METADATA_SHARED, SPAN("/shared/vendor/a"),
                         SPAN("{\"a\": 1}"), f));
}

static void fill(struct txn *t)
{
    uint64_t id;
    struct span target[] = {SPAN("ann@example.org"), SPAN("b\xc3\xb6@example.net")},
                keywords[] = {SPAN("$a"), SPAN("b")};
    struct uidset uids = {0}, a = {0}, b = {0};
    struct flags_change change = {.how = FLAGS_ADD, .wanted = {FLAGS_FLAGGED, keywords + 1, 1}};
    unit_ok(directory_domain_add(t, SPAN("example.org"), f));
    unit_ok(directory_alias_put(t, SPAN("@example.org"), target, 2, f));
    unit_ok(directory_account_add(t, SPAN("\xc3\xb6@example.org"), SPAN(""), &id, f));
    fill_account(t, id, false);
    fill_account(t, unit_account, true);
    unit_ok(
        mailbox_create(t, unit_account, SPAN("x/\xe2\x82\xac \"quoted\" \\"), MAILBOX_ALL, &id, f));
    for (int i = 0; i < 9; i++)
        (void)unit_append_with(t, unit_inbox, (uint32_t)i, keywords, (size_t)i % 3);
    static const char thread[] = "Message-ID: <a@b>\r\nReferences: <c@d> <e@f>\r\n\r\n";
    struct msg_new m = {.blob = unit_body(t, thread, 1), .bytes = sizeof thread - 1};
    unit_ok(msg_append(t, id, &m, NULL, f));
    unit_ok(mailbox_recent_seen(t, unit_inbox, 4, f));
    unit_ok(msg_copy(t, unit_inbox, NULL, id, NULL, NULL, f));
    uidset_add(&uids, 2, 3);
    uidset_add(&uids, 7, 7);
    unit_ok(flags_store(t, unit_inbox, &uids, &change, &a, &b, f));
    unit_ok(msg_expunge(t, unit_inbox, &uids, false, NULL, f));
    unit_ok(mailbox_delete(t, unit_account, SPAN("Junk"), f));
    uidset_fini(&uids);
    uidset_fini(&a);
    uidset_fini(&b);
}

static void forget_some(struct txn *t)
{
    unsigned gone;
    unit_ok(changes_expire(t, clock_wall() + 60, 3, &gone, f));
    assert_int_equal(gone, 3);
}

/* A body of several chunks, which takes operations of its own. */
static void big_mail(struct store *st);

static void goes_on(struct txn *t)
{
    unsigned n;
    uint32_t was = unit_mailbox(t, unit_inbox).uidnext;
    uint64_t modseq = unit_mailbox(t, unit_inbox).highestmodseq;
    assert_int_equal(unit_append(t, unit_inbox, 0), was);
    assert_true(unit_mailbox(t, unit_inbox).highestmodseq > modseq);
    unit_ok(mailbox_create(t, unit_account, SPAN("new"), 0, NULL, f));
    unit_ok(bin_restore(t, unit_account, 0, 100, &n, f));
    assert_int_equal(n, 3);
}

static void dump_and_load(void **state)
{
    (void)state;
    static const size_t steps[] = {1 << 20, 7};
    struct store *st = unit_mail_open();
    unit_run(st, fill);
    unit_run(st, forget_some);
    big_mail(st);
    unit_check_clean(st);
    dump(st, &first);
    struct fault f = FAULT_NONE;
    assert_int_equal(load(st, buf_span(&first), &f), ERR_EXISTS);
    store_close(&st);
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        read_step = steps[i];
        st = again();
        unit_assert_ok(load(st, buf_span(&first), &f), &f);
        unit_check_clean(st);
        dump(st, &second);
        unit_assert_same(buf_span(&second), buf_span(&first));
        store_close(&st);
        struct store_options o = unit_options();
        st = unit_store_open(&o); /* opened again it is still the same */
        dump(st, &second);
        unit_assert_same(buf_span(&second), buf_span(&first));
        unit_run(st, goes_on);
        unit_mail_close(&st);
    }
    st = again(); /* without being opened again in between */
    unit_assert_ok(load(st, buf_span(&first), &f), &f);
    big_mail(st);
    unit_run(st, goes_on);
    unit_mail_close(&st);
}

struct big {
    struct store_op op;
    struct blob_writer *writer;
    struct buf outline;
};

static enum err big_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct big *b = (struct big *)(void *)op;
    struct msg_new m = {.bytes = BIG};
    enum err e = blob_put(t, b->writer, buf_span(&b->outline), 1, &m.blob, f);
    return e == ERR_OK ? msg_append(t, unit_inbox, &m, NULL, f) : e;
}

static void ready(void *arg)
{
    (void)arg;
}

static void big_mail(struct store *st)
{
    static char bytes[BIG];
    struct fault f = FAULT_NONE;
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = i % 70 == 69 ? '\n' : (char)('a' + i * i % 23);
    memcpy(bytes, "Subject: big\r\n\r\n", 16);
    struct big b = {.op = {.apply = big_apply}};
    struct outline_parser *p = outline_new(&outline_limits_default);
    buf_init(&b.outline, OUTLINE_RECORD_MAX);
    outline_feed(p, span_of(bytes, BIG));
    outline_end(p, &b.outline);
    outline_free(&p);
    enum err e;
    do { /* after a load the first numbers for bodies may still be on their way */
        b.writer = blob_begin(st, &unit_home.post, ready, NULL);
        blob_write(b.writer, span_of(bytes, BIG));
        while (blob_in_flight(b.writer))
            unit_box_run(&unit_home);
        e = committer_run(st, &b.op, &f);
        blob_end(&b.writer, e == ERR_OK);
    } while (e == ERR_BUSY);
    unit_assert_ok(e, &f);
    buf_fini(&b.outline);
}

/* --- what is refused --- */

static void dump_refused(void **state)
{
    (void)state;
    static const char head[] =
        "{\"mailstead\":\"dump\",\"version\":1,\"modseq\":3,\"id\":9,\"uidvalidity\":5}\n";
    static const struct {
        const char *text, *says;
        bool headless;
    } cases[] = {
        {"", "line 1: the dump is cut off", false},
        {"", "line 0: the dump is cut off", true},
        {"{\"domain\":\"x.example\",\"created\":1}\n", "line 1: a dump begins", true},
        {"{\"mailstead\":\"dump\",\"version\":2,\"modseq\":1,\"id\":1,\"uidvalidity\":1}\n",
         "line 1: \"version\"", true},
        {"{\"mailstead\":\"dump\",\"version\":1,\"modseq\":1,\"id\":1,\"uidvalidity\":1}\n",
         "line 2: a dump begins", false},
        {"nonsense\n", "line 2: not a JSON object", false},
        {"[]\n", "line 2: not a JSON object", false},
        {"{}\n", "line 2: unknown", false},
        {"{\"domain\":\"x\",\"created\":1}", "line 1: no end of line", false},
        {"{\"domain\":\"x\",\"domain\":\"y\",\"created\":1}\n", "line 2: not a JSON object", false},
        {"{\"domain\":\"\",\"created\":1}\n", "line 2: \"domain\"", false},
        {"{\"domain\":5,\"created\":1}\n", "line 2: \"domain\"", false},
        {"{\"domain\":\"x\"}\n", "line 2: \"created\"", false},
        {"{\"domain\":\"x\",\"created\":1}\n{\"domain\":\"x\",\"created\":1}\n{\"end\":3}\n",
         "there twice", false},
        {"{\"end\":7}\n", "line 2: \"end\"", false},
        {"{\"end\":1}\n{\"domain\":\"x\",\"created\":1}\n", "line 3: behind the end", false},
        {"{\"alias\":\"a@b\",\"targets\":[5]}\n", "line 2: \"targets\"", false},
        {"{\"alias\":\"a@b\"}\n", "line 2: \"targets\"", false},
        {"{\"account\":-1,\"address\":\"a@b\",\"verifier\":\"\",\"created\":1,\"floor\":0}\n",
         "line 2: \"account\"", false},
        {"{\"body\":1,\"bytes\":3,\"refs\":1}\n{\"end\":2}\n", "line 3: the body before it", false},
        {"{\"body\":1,\"bytes\":3,\"refs\":1}\n{\"data\":\"YWJjZA==\"}\n", "line 3: data", false},
        {"{\"body\":1,\"bytes\":3,\"refs\":1}\n{\"data\":\"!\"}\n", "line 3: data", false},
        {"{\"data\":\"YWJj\"}\n", "line 2: data", false},
        {"{\"message\":1,\"mailbox\":2,\"modseq\":1,\"date\":0,\"zone\":0,\"saved\":0,\"body\":1,"
         "\"bytes\":1,\"flags\":[\"x\"],"
         "\"keywords\":[]}\n",
         "line 2: \"flags\"", false},
        {"{\"message\":1,\"mailbox\":2,\"modseq\":1,\"date\":0,\"zone\":0,\"saved\":0,\"body\":1,"
         "\"bytes\":1,\"flags\":[],"
         "\"keywords\":[4096]}\n",
         "line 2: \"keywords\"", false},
        {"{\"message\":4294967296,\"mailbox\":2,\"modseq\":1,\"date\":0,\"zone\":0,\"saved\":0,"
         "\"body\":1,\"bytes\":1,\"flags\":[],"
         "\"keywords\":[]}\n",
         "line 2: \"message\"", false},
        {"{\"change\":1,\"account\":1,\"mailbox\":2,\"kind\":\"odd\",\"when\":0,\"by\":\"imap\","
         "\"as\":0,\"session\":\"\","
         "\"uids\":\"1\"}\n",
         "line 2: \"kind\"", false},
        {"{\"change\":1,\"account\":1,\"mailbox\":2,\"kind\":\"added\",\"when\":0,\"by\":\"imap\","
         "\"as\":0,\"session\":\"\","
         "\"uids\":\"5,3\"}\n",
         "line 2: \"uids\"", false},
        {"{\"scram\":\"AAAA\",\"account\":1,\"keys\":\"\",\"sha1\":1,\"sha256\":1,"
         "\"sha512\":1}\n",
         "line 2: \"scram\"", false},
        {"{\"scram\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"account\":1,\"keys\":\"AAAA\",\"sha1\":1,"
         "\"sha256\":1,\"sha512\":1}\n",
         "line 2: \"keys\"", false},
        {"{\"app_password\":\"\",\"account\":1}\n", "line 2: \"app_password\"", false},
        {"{\"quota\":1,\"limit_bytes\":-2}\n", "line 2: \"limit_", false},
        {"{\"metadata\":\"/private/a\",\"mailbox\":0,\"account\":1,\"value\":\"!\"}\n",
         "line 2: \"value\"", false},
    };
    read_step = 100;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct store *st = again();
        struct fault f = FAULT_NONE;
        struct buf text;
        buf_init(&text, 10000);
        (void)buf_addz(&text, cases[i].headless ? "" : head);
        (void)buf_addz(&text, cases[i].text);
        assert_int_equal(load(st, buf_span(&text), &f), ERR_INVALID);
        if (!strstr(f.text, cases[i].says))
            fail_msg("case %zu: \"%s\", not \"%s\"", i, f.text, cases[i].says);
        buf_fini(&text);
        store_close(&st);
    }
}

static long broken_read(void *arg, char *into, size_t n)
{
    (void)arg;
    (void)into;
    (void)n;
    return -1;
}

static void dump_unreadable(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(dump_load(st, broken_read, NULL, NULL), ERR_IO);
    store_close(&st);
}

int main(void)
{
    buf_init(&first, 1 << 24);
    buf_init(&second, 1 << 24);
    const struct CMUnitTest tests[] = {
        unit_test_dir(dump_and_load),
        unit_test_dir(dump_refused),
        unit_test_dir(dump_unreadable),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&first);
    buf_fini(&second);
    return failed;
}
