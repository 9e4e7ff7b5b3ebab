#include "store/dump.h"

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
        "{\"mailstead\":\"dump\",\"version\":1,\"modseq\":2,\"id\":9,\"uidvalidity\":",
        "{\"domain\":\"example.org\",\"created\":1700000000}\n",
        "{\"account\":1,\"address\":\"ann@example.org\",\"verifier\":\"secret\",\"created\":"
        "1700000000,\"floor\":0}\n",
        "{\"alias\":\"@example.org\",\"targets\":[\"ann@example.org\"]}\n",
        "{\"mailbox\":2,\"account\":1,\"name\":\"INBOX\",\"uidvalidity\":",
        ",\"uidnext\":3,\"highestmodseq\":2,\"messages\":1,\"unseen\":1,\"deleted\":0,\"bytes\":25,\"deleted_bytes\":0,"
        "\"recent_from\":2,\"uses\":0,"
        "\"created\":1700000000,\"keywords\":[\"$a\"]}\n",
        "\"name\":\"a\\\\b/\xc3\xa4\"",
        "{\"subscription\":\"Sent\",\"account\":1}\n",
        "{\"message\":2,\"mailbox\":2,\"modseq\":2,\"date\":1700000000,\"zone\":60,\"saved\":"
        "1700000000,\"body\":2,\"bytes\":25,\"thread\":2,"
        "\"flags\":[],\"keywords\":[]}\n",
        "{\"bin\":1,\"account\":1,\"when\":1700000000,\"mailbox\":2,\"name\":\"INBOX\",\"modseq\":"
        "2,\"date\":1700000000,\"zone\":60,"
        "\"saved\":1700000000,\"body\":1,\"bytes\":25,\"thread\":1,\"flags\":[\"\\\\Seen\",\"\\\\Draft\"],"
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
