#include "auth/auth.h"

#include "tests/unit/auth/desk.h"
#include "tests/unit/route/town.h"

#include "auth/hash_pool.h"

static struct town town;
static struct desk desk;

static const char *const domains[] = {"example.org", "example.net", NULL};
static const char *const accounts[] = {"ann@example.org", "twin@example.org", "twin@example.net",
                                       NULL};
static const char *const open_accounts[] = {"open@example.org", NULL};

static bool answered;

static void done(struct auth_request *r)
{
    (void)r;
    answered = true;
}

static struct auth_request ask(struct auth *a, struct span user, struct span password)
{
    struct auth_request r = {.user = user, .password = password, .home = &desk.post, .done = done};
    answered = false;
    auth_check(a, &r);
    assert_false(answered); /* never from inside */
    while (!answered)
        desk_run(&desk);
    return r;
}

/* clang-format off */
static const struct asked {
    struct span user, password;
    enum err production, lab;
    const char *address;
} questions[] = {
    {{"ann@example.org", 15},  {"secret", 6},   ERR_OK,     ERR_OK,     "ann@example.org"},
    {{"Ann@Example.ORG", 15},  {"secret", 6},   ERR_OK,     ERR_OK,     "ann@example.org"},
    {{"ann", 3},               {"secret", 6},   ERR_OK,     ERR_OK,     "ann@example.org"},
    {{"ann", 3},               {"Secret", 6},   ERR_DENIED, ERR_DENIED, ""},
    {{"ann@example.org", 15},  {"", 0},         ERR_DENIED, ERR_DENIED, ""},
    {{"ann@example.org", 15},  {"secret\0", 7}, ERR_DENIED, ERR_DENIED, ""},
    {{"twin", 4},              {"secret", 6},   ERR_DENIED, ERR_DENIED, ""}, /* two have that name */
    {{"an", 2},                {"secret", 6},   ERR_DENIED, ERR_OK,     "an@localhost"},
    {{"", 0},                  {"secret", 6},   ERR_DENIED, ERR_DENIED, ""},
    {{"a b@example.org", 15},  {"secret", 6},   ERR_DENIED, ERR_DENIED, ""},
    {{"ann\0@example.org", 16}, {"secret", 6},  ERR_DENIED, ERR_DENIED, ""},
    {{"@", 1},                 {"secret", 6},   ERR_DENIED, ERR_DENIED, ""},
    {{"new@lab.test", 12},     {"x", 1},        ERR_DENIED, ERR_OK,     "new@lab.test"},
    {{"new@lab.test", 12},     {"y", 1},        ERR_DENIED, ERR_OK,     "new@lab.test"},
    {{"new2@lab.test", 13},    {"", 0},         ERR_DENIED, ERR_DENIED, ""},
    {{"open@example.org", 16}, {"z", 1},        ERR_DENIED, ERR_OK,     "open@example.org"},
};
/* clang-format on */

static void asks_all(bool lab)
{
    struct auth_options o = auth_options_default;
    o.lab = lab;
    o.fail_ms = 1;
    struct auth *a = auth_new(town.store, &o);
    for (size_t i = 0; i < UNIT_COUNT(questions); i++) {
        const struct asked *q = &questions[i];
        struct auth_request r = ask(a, q->user, q->password);
        assert_int_equal(r.result, lab ? q->lab : q->production);
        assert_string_equal(r.address, r.result == ERR_OK ? q->address : "");
        assert_int_equal(r.account != 0, r.result == ERR_OK);
    }
    auth_free(&a);
}

static void production(void **state)
{
    (void)state;
    asks_all(false);
}

static void lab(void **state)
{
    (void)state;
    asks_all(true);
}

/* No failure is told early, whatever it is: the user's, the password's, or that nothing had to be hashed. */
static void failures_take_their_time(void **state)
{
    (void)state;
    static const char *const users[] = {"ann@example.org", "nobody@example.org", "not an address"};
    struct auth_options o = auth_options_default;
    o.fail_ms = 150;
    struct auth *a = auth_new(town.store, &o);
    for (size_t i = 0; i < UNIT_COUNT(users); i++) {
        for (int empty = 0; empty < 2; empty++) {
            uint64_t before = hash_pool_now();
            struct auth_request r = ask(a, span_cstr(users[i]), empty ? SPAN("") : SPAN("wrong"));
            assert_int_equal(r.result, ERR_DENIED);
            assert_true(hash_pool_now() - before >= 150);
        }
    }
    auth_free(&a);
}

static enum err change(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)op;
    char verifier[256];
    enum err e = auth_verifier(SPAN("changed"), verifier, f);
    return e == ERR_OK
               ? directory_account_verifier(t, SPAN("twin@example.net"), span_cstr(verifier), f)
               : e;
}

/* What is remembered is right only as long as the verifier is the same. */
static void change_of_password(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    struct span user = SPAN("twin@example.net");
    struct auth_options o = auth_options_default;
    struct auth *a = auth_new(town.store, &o);
    assert_int_equal(ask(a, user, SPAN("secret")).result, ERR_OK);
    assert_int_equal(ask(a, user, SPAN("secret")).result, ERR_OK);
    struct store_op op = {.apply = change, .actor = {.kind = ACTOR_ADMIN}};
    assert_int_equal(committer_run(town.store, &op, &f), ERR_OK);
    assert_int_equal(ask(a, user, SPAN("secret")).result, ERR_DENIED);
    assert_int_equal(ask(a, user, SPAN("changed")).result, ERR_OK);
    auth_forget(a);
    assert_int_equal(ask(a, user, SPAN("changed")).result, ERR_OK);
    auth_free(&a);
}

static void done_count(struct auth_request *r)
{
    (void)r;
}

static void busy(void **state)
{
    (void)state;
    struct auth_request r[12];
    unsigned busy_count = 0;
    struct auth_options o = {.thread_count = 1, .queue_count = 2, .fail_ms = 1};
    struct auth *a = auth_new(town.store, &o);
    for (size_t i = 0; i < UNIT_COUNT(r); i++) {
        r[i] = (struct auth_request){.user = SPAN("ann@example.org"),
                                     .password = SPAN("wrong"),
                                     .home = &desk.post,
                                     .done = done_count};
        auth_check(a, &r[i]);
    }
    for (size_t i = 0; i < UNIT_COUNT(r); i++)
        desk_run(&desk);
    for (size_t i = 0; i < UNIT_COUNT(r); i++) {
        assert_true(r[i].result == ERR_BUSY || r[i].result == ERR_DENIED);
        busy_count += r[i].result == ERR_BUSY;
    }
    assert_true(busy_count > 0 && busy_count < UNIT_COUNT(r));
    auth_free(&a);
}

static void generates(void **state)
{
    (void)state;
    char one[64], two[64];
    auth_generate(one);
    auth_generate(two);
    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), 4 * 5 + 2);
}

static int setup(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    char verifier[256];
    town_open(&town);
    desk_init(&desk);
    if (auth_verifier(SPAN("secret"), verifier, &f) != ERR_OK)
        return -1;
    town_write(&town,
               (struct town_plan){.domains = domains, .accounts = accounts, .verifier = verifier});
    town_write(&town, (struct town_plan){.accounts = open_accounts});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_fini(&desk);
    town_close(&town);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(production),
        cmocka_unit_test(lab),
        cmocka_unit_test(failures_take_their_time),
        cmocka_unit_test(change_of_password),
        cmocka_unit_test(busy),
        cmocka_unit_test(generates),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
