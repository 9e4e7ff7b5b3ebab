#include "store/metadata.h"

#include "tests/unit/store/unit_damage.h"

struct seen {
    char text[512];
};

static bool see(void *arg, struct span name, struct span value)
{
    struct seen *s = arg;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%.*s=%.*s;", SPAN_ARG(name), SPAN_ARG(value));
    return true;
}

static void assert_entries(struct txn *t, uint64_t mailbox, uint64_t owner, const char *prefix,
                           const char *expected)
{
    struct seen s = {""};
    unit_ok(metadata_each(t, mailbox, owner, span_cstr(prefix), see, &s, f));
    assert_string_equal(s.text, expected);
}

static void put(struct txn *t, uint64_t mailbox, uint64_t owner, const char *name,
                const char *value)
{
    struct span bytes = value ? span_cstr(value) : (struct span){NULL, 0};
    unit_ok(metadata_put(t, unit_account, mailbox, owner, span_cstr(name), bytes, f));
}

static void owners_and_mailboxes_apart(struct txn *t)
{
    struct arena *a = arena_new();
    struct span value;
    put(t, unit_inbox, METADATA_SHARED, "/shared/comment", "all");
    put(t, unit_inbox, unit_account, "/private/comment", "mine");
    put(t, unit_inbox, unit_account, "/private/color", "");
    put(t, METADATA_SERVER, unit_account, "/private/comment", "of the server");
    assert_entries(t, unit_inbox, METADATA_SHARED, "/", "/shared/comment=all;");
    assert_entries(t, unit_inbox, unit_account, "/private/co",
                   "/private/color=;/private/comment=mine;");
    assert_entries(t, METADATA_SERVER, unit_account, "", "/private/comment=of the server;");
    assert_entries(t, unit_inbox, 4711, "", "");
    unit_ok(metadata_get(t, a, unit_inbox, unit_account, SPAN("/private/comment"), &value, f));
    unit_assert_span(value, "mine");
    put(t, unit_inbox, unit_account, "/private/comment", NULL);
    put(t, unit_inbox, unit_account, "/private/comment", NULL); /* once more does no harm */
    assert_int_equal(
        metadata_get(t, a, unit_inbox, unit_account, SPAN("/private/comment"), &value, NULL),
        ERR_NOTFOUND);
    arena_free(&a);
}

static void limits(struct txn *t)
{
    static char large[METADATA_VALUE_BYTES + 1], name[METADATA_NAME_BYTES + 1];
    memset(large, 'x', sizeof large);
    memset(name, 'y', sizeof name);
    name[0] = '/';
    unit_err(metadata_put(t, unit_account, unit_inbox, 0, SPAN("/shared/x"),
                          span_of(large, sizeof large), f),
             ERR_LIMIT);
    unit_err(metadata_put(t, unit_account, unit_inbox, 0, span_of(name, sizeof name), SPAN("x"), f),
             ERR_LIMIT);
    unit_ok(metadata_put(t, unit_account, unit_inbox, 0, span_of(name, sizeof name - 1),
                         span_of(large, sizeof large - 1), f));
    for (int i = 0; i < METADATA_ENTRY_COUNT - 2; i++) {
        (void)snprintf(large, sizeof large, "/shared/vendor/%d", i);
        put(t, unit_inbox, METADATA_SHARED, large, "v");
    }
    unit_err(
        metadata_put(t, unit_account, unit_inbox, 0, SPAN("/shared/vendor/more"), SPAN("x"), f),
        ERR_LIMIT);
    put(t, unit_inbox, METADATA_SHARED, "/shared/vendor/1", "replaced");
    put(t, unit_inbox, METADATA_SHARED, "/shared/vendor/1", NULL);
    put(t, unit_inbox, METADATA_SHARED, "/shared/vendor/more", "fits now");
}

static void limit_of_all(struct txn *t)
{
    static char large[METADATA_VALUE_BYTES];
    char name[32];
    unsigned fit = METADATA_TOTAL_BYTES / (METADATA_VALUE_BYTES + sizeof name);
    memset(large, 'x', sizeof large);
    for (unsigned i = 0; i <= fit; i++) {
        (void)snprintf(name, sizeof name, "/private/%u", i);
        enum err e = i < fit ? ERR_OK : ERR_LIMIT;
        unit_err(metadata_put(t, unit_account, METADATA_SERVER, 99, span_cstr(name),
                              span_of(large, sizeof large), f),
                 e);
    }
    unit_ok(metadata_put(t, unit_account, METADATA_SERVER, 99, SPAN("/private/1"),
                         span_of(large, sizeof large), f)); /* takes the place of itself */
}

static void goes_with_its_mailbox(struct txn *t)
{
    uint64_t id;
    unit_ok(mailbox_create(t, unit_account, SPAN("x"), 0, &id, f));
    put(t, id, METADATA_SHARED, "/shared/comment", "x");
    unit_ok(mailbox_rename(t, unit_account, SPAN("x"), SPAN("y"), f));
    assert_entries(t, id, METADATA_SHARED, "", "/shared/comment=x;");
    unit_ok(mailbox_delete(t, unit_account, SPAN("y"), f));
    assert_entries(t, id, METADATA_SHARED, "", "");
    unit_ok(mailbox_rename(t, unit_account, SPAN("INBOX"), SPAN("was inbox"), f));
    uint64_t renamed = unit_box(t, "was inbox"); /* RFC 5464 §4.1: copied, and kept */
    assert_entries(t, renamed, unit_account, "", "/private/color=;");
    assert_entries(t, unit_inbox, unit_account, "", "/private/color=;");
}

static void metadata_kept(void **state)
{
    (void)state;
    static void (*const steps[])(struct txn * t) = {owners_and_mailboxes_apart, limits,
                                                    limit_of_all, goes_with_its_mailbox};
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    unit_mail_close(&st);
}

static void metadata_checked(void **state)
{
    static const struct unit_damage list[] = {
        {.table = TABLE_METADATA,
         .key = SPAN_ROW("short"),
         .value = SPAN_ROW("x"),
         .number = "I1",
         .text = "metadata: damaged row"},
        {.table = TABLE_METADATA,
         .key = SPAN_ROW("\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0/shared/x"),
         .value = SPAN_ROW("x"),
         .number = "I6",
         .text = "no mailbox 256"},
    };
    (void)state;
    unit_damages(list, UNIT_COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(metadata_kept),
                                       cmocka_unit_test(metadata_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
