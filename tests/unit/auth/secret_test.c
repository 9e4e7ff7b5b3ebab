#include "auth/secret.h"

#include "tests/unit/route/town.h"

#include "auth/app_password.h"
#include "auth/scram.h"

static struct town town;
static const char *const domains[] = {"example.org", NULL};
static const char *const accounts[] = {"ann@example.org", NULL};

static struct credentials nothing(void)
{
    return (struct credentials){.apps = NULL};
}

static void a_password_has_a_verifier_and_keys(void **state)
{
    static const struct {
        struct span password;
        enum err e;
        bool scram;
    } cases[] = {
        {{"pencil", 6}, ERR_OK, true},     {{"p\xc3\xa4sswort", 9}, ERR_OK, true},
        {{"\xff\xfe", 2}, ERR_OK, false}, /* not UTF-8: no SASLprep, RFC 4013 */
        {{"a\x07", 2}, ERR_OK, false},     {{"", 0}, ERR_INVALID, false},
        {{"a\0b", 3}, ERR_INVALID, false},
    };
    struct credentials none = nothing();
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct secret s = {.verifier = ""};
        struct fault f = FAULT_NONE;
        assert_int_equal(secret_password(4096, &none, cases[i].password, &s, &f), cases[i].e);
        if (cases[i].e != ERR_OK)
            continue;
        assert_memory_equal(s.verifier, "$y$", 3);
        assert_int_equal(s.scram_there, cases[i].scram);
        assert_int_equal(s.scram.own, cases[i].scram);
        assert_int_equal(s.scram.iterations[SCRAM_SHA256], 4096);
    }
}

/* App passwords cannot be hashed anew: where there are some, salt and iterations stay. */
static void the_salt_stays_for_app_passwords(void **state)
{
    struct credentials now = nothing();
    struct credential_app app;
    struct credential_scram scram;
    struct secret one, two;
    struct fault f = FAULT_NONE;
    char shown[32], digest[CREDENTIAL_DIGEST_BYTES];
    (void)state;
    secret_app_password(5000, &now, 7, shown, &app, &scram);
    assert_false(scram.own);
    assert_int_equal(app.protocols, AUTH_EVERYTHING);
    assert_true(app_password_digest(7, span_cstr(shown), digest));
    assert_memory_equal(digest, app.digest, sizeof digest);
    now.scram_there = true;
    now.scram = scram;
    assert_int_equal(secret_password(6000, &now, SPAN("x"), &one, &f), ERR_OK);
    assert_memory_not_equal(one.scram.salt, scram.salt, sizeof scram.salt); /* there are none yet */
    assert_int_equal(one.scram.iterations[SCRAM_SHA512], 6000);
    now.apps = &app;
    now.app_count = 1;
    assert_int_equal(secret_password(6000, &now, SPAN("x"), &two, &f), ERR_OK);
    assert_memory_equal(two.scram.salt, scram.salt, sizeof scram.salt);
    assert_int_equal(two.scram.iterations[SCRAM_SHA512], 5000);
    struct credential_scram again;
    secret_app_password(6000, &now, 7, shown, &app, &again);
    assert_memory_equal(again.salt, scram.salt, sizeof scram.salt);
}

struct write {
    struct store_op op;
    uint64_t account;
    bool app, anew;
    struct credentials now; /* what the writer had read */
};

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct write *w = (struct write *)(void *)op;
    struct arena *a = arena_new();
    struct credential_scram scram;
    struct credential_app app = {.name = SPAN("phone"), .protocols = AUTH_EVERYTHING};
    struct account account;
    enum err e = directory_account_find(t, a, SPAN("ann@example.org"), &account, f);
    scram_init(&scram, 4096);
    if (e == ERR_OK && w->anew)
        e = credential_scram_put(t, account.id, &scram, f);
    if (e == ERR_OK && w->app)
        e = credential_app_add(t, account.id, &app, f);
    if (e == ERR_OK)
        e = secret_same_salt(t, account.id, &w->now, f);
    arena_free(&a);
    return e;
}

static enum err write_as(struct write w)
{
    struct fault f = FAULT_NONE;
    w.op = (struct store_op){.apply = apply, .actor = {.kind = ACTOR_ADMIN}};
    return committer_run(town.store, &w.op, &f);
}

/* Whoever derived keys of a salt that is no longer there must begin anew. */
static void somebody_was_faster(void **state)
{
    struct credentials other = nothing();
    (void)state;
    assert_int_equal(write_as((struct write){.now = nothing()}), ERR_OK);
    assert_int_equal(write_as((struct write){.now = nothing(), .anew = true}), ERR_BUSY);
    assert_int_equal(write_as((struct write){.now = nothing(), .app = true}), ERR_BUSY);
    other.scram_there = true;
    assert_int_equal(write_as((struct write){.now = other}), ERR_BUSY);
    assert_int_equal(write_as((struct write){.now = other, .anew = true}), ERR_BUSY);
}

static int setup(void **state)
{
    (void)state;
    town_open(&town);
    town_write(&town, (struct town_plan){.domains = domains, .accounts = accounts});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    town_close(&town);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_has_a_verifier_and_keys),
        cmocka_unit_test(the_salt_stays_for_app_passwords),
        cmocka_unit_test(somebody_was_faster),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
