#include "store/credential.h"

#include "store/directory.h"
#include "tests/unit/store/unit_mail.h"

static struct arena *arena;
static uint64_t ann, bob;

static struct credential_app app_named(const char *name)
{
    struct credential_app app = {.name = span_cstr(name),
                                 .digest = "digest",
                                 .created = 1000,
                                 .expires = 2000,
                                 .protocols = 3,
                                 .from = SPAN("192.0.2.0/24")};
    app.keys.bytes[0] = 'k';
    return app;
}

static struct credential_scram scram_of(bool own)
{
    struct credential_scram s = {.salt = "salt", .iterations = {1, 2, 3}, .own = own};
    s.keys.bytes[CREDENTIAL_KEYS_BYTES - 1] = 'z';
    return s;
}

static void ok(enum err e, const struct fault *f)
{
    unit_assert_ok(e, f);
}

static struct credentials read_all(struct txn *t, uint64_t account)
{
    struct fault f = FAULT_NONE;
    struct credentials c;
    ok(credential_read(t, arena, account, &c, &f), &f);
    return c;
}

static void rows_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    struct credential_scram s = scram_of(true);
    struct credential_app b = app_named("b"), a = app_named("a phone");
    ann = unit_account;
    ok(directory_account_add(t, SPAN("bob@example.org"), SPAN("v"), &bob, &f), &f);
    assert_int_equal(read_all(t, ann).app_count, 0);
    assert_false(read_all(t, ann).scram_there);
    ok(credential_scram_put(t, ann, &s, &f), &f);
    ok(credential_app_add(t, ann, &b, &f), &f);
    ok(credential_app_add(t, ann, &a, &f), &f);
    ok(credential_app_add(t, bob, &a, &f), &f);
    assert_int_equal(credential_app_add(t, ann, &a, &f), ERR_EXISTS);
    struct credentials c = read_all(t, ann);
    assert_true(c.scram_there && c.scram.own);
    assert_memory_equal(&c.scram, &s, sizeof s);
    assert_int_equal(c.app_count, 2);
    unit_assert_span(c.apps[0].name, "a phone");
    unit_assert_span(c.apps[0].from, "192.0.2.0/24");
    unit_assert_span(c.apps[0].used_from, "");
    assert_int_equal(c.apps[0].expires, 2000);
    assert_int_equal(c.apps[0].protocols, 3);
    assert_int_equal(c.apps[0].keys.bytes[0], 'k');
}

static void names_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    static const char *const bad[] = {
        "", "a\nb", "a\tb", "\xff",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct credential_app app = app_named(bad[i]);
        assert_int_equal(credential_app_add(t, ann, &app, &f), ERR_INVALID);
    }
    assert_int_equal(credential_app_remove(t, ann, SPAN("nothing"), &f), ERR_NOTFOUND);
    assert_int_equal(credential_app_remove(t, ann, SPAN(""), &f), ERR_NOTFOUND);
}

static void uses_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    struct credential_app b = app_named("b"), other = app_named("b"), gone = app_named("gone");
    ok(credential_app_used(t, ann, &b, 1500, SPAN("192.0.2.7"), &f), &f);
    ok(credential_app_used(t, ann, &b, 1400, SPAN("192.0.2.8"), &f), &f);
    other.created = 999; /* of that name, but another one */
    ok(credential_app_used(t, ann, &other, 1600, SPAN("192.0.2.9"), &f), &f);
    ok(credential_app_used(t, ann, &gone, 1600, SPAN("192.0.2.9"), &f), &f);
    struct credentials c = read_all(t, ann);
    assert_int_equal(c.apps[1].used, 1500);
    unit_assert_span(c.apps[1].used_from, "192.0.2.7");
}

/* The salt stays as long as there are app passwords, which cannot be hashed again. */
static void forgetting_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    ok(directory_account_verifier(t, SPAN("ann@example.org"), SPAN("w"), &f), &f);
    struct credentials c = read_all(t, ann);
    assert_true(c.scram_there && !c.scram.own);
    assert_memory_equal(c.scram.salt, "salt", 4);
    ok(credential_app_remove(t, ann, SPAN("b"), &f), &f);
    ok(credential_app_remove(t, ann, SPAN("a phone"), &f), &f);
    ok(directory_account_verifier(t, SPAN("ann@example.org"), SPAN("x"), &f), &f);
    assert_false(read_all(t, ann).scram_there);
    assert_int_equal(read_all(t, bob).app_count, 1);
}

static void removing_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    bool done = false;
    uint64_t secret;
    ok(directory_account_remove(t, SPAN("bob@example.org"), 1000, &done, &f), &f);
    assert_true(done);
    assert_int_equal(read_all(t, bob).app_count, 0);
    assert_int_equal(credential_secret(t, &secret, &f), ERR_NOTFOUND);
    ok(credential_secret_put(t, 77, &f), &f);
    ok(credential_secret(t, &secret, &f), &f);
    assert_int_equal(secret, 77);
}

static void many_run(struct txn *t)
{
    struct fault f = FAULT_NONE;
    char name[16];
    for (int i = 0; i < CREDENTIAL_APP_COUNT; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        struct credential_app app = app_named(name);
        ok(credential_app_add(t, ann, &app, &f), &f);
    }
    struct credential_app more = app_named("more");
    assert_int_equal(credential_app_add(t, ann, &more, &f), ERR_LIMIT);
}

static void credentials_are_kept(void **state)
{
    (void)state;
    void (*const steps[])(struct txn * t) = {rows_run,       names_run,    uses_run,
                                             forgetting_run, removing_run, many_run};
    struct store *st = unit_mail_open();
    arena = arena_new();
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        unit_run(st, steps[i]);
        unit_check_clean(st);
    }
    arena_free(&arena);
    unit_mail_close(&st);
}

static void damage_is_found(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    assert_int_equal(unit_put(st, TABLE_PASSWORD, SPAN("\0\0\0\0\0\0\0\1s"), SPAN("x")), ERR_OK);
    unit_check_finds(st, "I1", "credential");
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit_test_dir(credentials_are_kept),
                                       unit_test_dir(damage_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
