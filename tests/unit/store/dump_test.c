#include "store/dump.h"

#include "store/credential.h"
#include "store/metadata.h"
#include "store/quota.h"
#include "tests/unit/store/unit_mail.h"

static struct buf text;
static unsigned long writes_left;

static bool take(void *arg, struct span bytes)
{
    (void)arg;
    return writes_left-- > 0 && buf_add(&text, bytes);
}

static enum err dump(struct store *st)
{
    struct fault f = FAULT_NONE;
    buf_reset(&text);
    return dump_write(st, take, NULL, &f);
}

static void fill_account(struct txn *t)
{
    struct credential_scram scram = {.iterations = {4096, 10000, 20000}, .own = true};
    struct credential_app app = {.name = SPAN("my \"phone\""),
                                 .created = 1700000000,
                                 .expires = 1700000001,
                                 .used = 1700000000,
                                 .protocols = 3,
                                 .from = SPAN("192.0.2.0/24"),
                                 .used_from = SPAN("192.0.2.1")};
    const struct quota_amount limit = {1000000, 0, QUOTA_NONE};
    unit_ok(credential_scram_put(t, unit_account, &scram, f));
    unit_ok(credential_app_add(t, unit_account, &app, f));
    unit_ok(quota_set(t, unit_account, &limit, f));
    unit_ok(metadata_put(t, unit_account, unit_inbox, METADATA_SHARED, SPAN("/shared/comment"),
                         SPAN("hi"), f));
    unit_ok(metadata_put(t, unit_account, METADATA_SERVER, unit_account, SPAN("/private/a"),
                         SPAN(""), f));
}

static void fill(struct txn *t)
{
    struct span target = SPAN("ann@example.org"), keywords[] = {SPAN("$a"), SPAN("b")};
    struct uidset first = {0};
    unit_ok(directory_domain_add(t, SPAN("example.org"), f));
    unit_ok(directory_alias_put(t, SPAN("@example.org"), &target, 1, f));
    unit_ok(mailbox_create(t, unit_account, SPAN("a\\b/\xc3\xa4"), 0, NULL, f));
    (void)unit_append_with(t, unit_inbox, FLAGS_SEEN | FLAGS_DRAFT, keywords, 1);
    (void)unit_append(t, unit_inbox, 0);
    unit_ok(mailbox_recent_seen(t, unit_inbox, 2, f));
    uidset_add(&first, 1, 1);
    unit_ok(msg_expunge(t, unit_inbox, &first, false, NULL, f));
    uidset_fini(&first);
}

static void damage(struct txn *t)
{
    unit_ok(table_put(t, TABLE_DOMAIN, SPAN("x"), SPAN("short"), f));
}

/* One line of each kind, as docs/dump.md shows them. */
static void dump_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"mailstead\":\"dump\",\"version\":1,\"modseq\":3,\"id\":9,\"uidvalidity\":",
        "{\"domain\":\"example.org\",\"created\":1700000000}\n",
        "{\"account\":1,\"address\":\"ann@example.org\",\"verifier\":\"secret\",\"created\":"
        "1700000000,\"floor\":0}\n",
        "{\"app_password\":\"my "
        "\\\"phone\\\"\",\"account\":1,\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
        "\"keys\":\"AAAA",
        "\",\"created\":1700000000,\"expires\":1700000001,\"used\":1700000000,\"protocols\":3,"
        "\"from\":\"192.0.2.0/24\",\"used_from\":\"192.0.2.1\"}\n",
        "{\"scram\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"account\":1,\"keys\":\"AAAA",
        "\",\"sha1\":4096,\"sha256\":10000,\"sha512\":20000}\n",
        "{\"quota\":1,\"limit_bytes\":1000000,\"limit_messages\":0,\"limit_mailboxes\":"
        "-1,\"used_bytes\":25,\"used_messages\":1,\"used_mailboxes\":8}\n",
        "{\"alias\":\"@example.org\",\"targets\":[\"ann@example.org\"]}\n",
        "{\"mailbox\":2,\"account\":1,\"name\":\"INBOX\",\"uidvalidity\":",
        ",\"uidnext\":3,\"highestmodseq\":2,\"messages\":1,\"unseen\":1,\"deleted\":0,\"bytes\":25,"
        "\"deleted_bytes\":0,"
        "\"recent_from\":2,\"uses\":0,"
        "\"created\":1700000000,\"keywords\":[\"$a\"]}\n",
        "\"name\":\"a\\\\b/\xc3\xa4\"",
        "{\"subscription\":\"Sent\",\"account\":1}\n",
        "{\"metadata\":\"/private/a\",\"mailbox\":0,\"account\":1,\"value\":\"\"}\n"
        "{\"metadata\":\"/shared/comment\",\"mailbox\":2,\"account\":0,\"value\":\"aGk=\"}\n",
        "{\"message\":2,\"mailbox\":2,\"modseq\":2,\"date\":1700000000,\"zone\":60,\"saved\":"
        "1700000000,\"body\":2,\"bytes\":25,\"thread\":2,"
        "\"flags\":[],\"keywords\":[]}\n",
        "{\"bin\":1,\"account\":1,\"when\":1700000000,\"mailbox\":2,\"name\":\"INBOX\",\"modseq\":"
        "2,\"date\":1700000000,\"zone\":60,"
        "\"saved\":1700000000,\"body\":1,\"bytes\":25,\"thread\":1,\"flags\":[\"\\\\Seen\","
        "\"\\\\Draft\"],"
        "\"keywords\":[\"$a\"]}\n",
        "{\"change\":2,\"account\":1,\"mailbox\":2,\"kind\":\"added\",\"when\":1700000000,\"by\":"
        "\"imap\",\"as\":0,"
        "\"session\":\"unit\",\"uids\":\"1:2\"}\n",
        "{\"body\":1,\"bytes\":25,\"refs\":1}\n{\"data\":\"U3ViamVjdDogaGVsbG8NCg0Kd29ybGQNCg==\"}"
        "\n",
        "{\"end\":",
    };
    clock_freeze(1700000000);
    writes_left = 1000000;
    struct store *st = unit_mail_open();
    unit_run(st, fill);
    unit_run(st, fill_account);
    assert_int_equal(dump(st), ERR_OK);
    struct span rest = buf_span(&text);
    for (size_t i = 0; i < UNIT_COUNT(lines); i++) {
        size_t at = span_find_span(rest, span_cstr(lines[i]));
        if (at == rest.n)
            fail_msg("not there, or not in order: %s\n%.*s", lines[i], SPAN_ARG(buf_span(&text)));
        rest = span_from(rest, at);
    }
    writes_left = 3;
    assert_int_equal(dump(st), ERR_IO);
    writes_left = 1000000;
    unit_run(st, damage);
    assert_int_equal(dump(st), ERR_CORRUPT);
    store_close(&st);
    clock_thaw();
    buf_fini(&text);
}

int main(void)
{
    buf_init(&text, 1 << 24);
    const struct CMUnitTest tests[] = {unit_test_dir(dump_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
