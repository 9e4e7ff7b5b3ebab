#include "auth/hash_pool.h"

#include "tests/unit/auth/desk.h"

#include "auth/password.h"

struct asked {
    struct hash_job job;
    unsigned order; /* 1, 2, ... as the answers came; 0: not yet */
    uint64_t told_ms;
};
static unsigned answers;

static void told(struct post_note *note)
{
    struct asked *a = list_entry(note, struct asked, job.note);
    a->order = ++answers;
    a->told_ms = hash_pool_now();
}

static char verifier[PASSWORD_VERIFIER_BYTES];

static void ask(struct asked *a, struct desk *d, struct span password, uint64_t due_ms)
{
    *a = (struct asked){.job = {.password = password,
                                .verifier = span_cstr(verifier),
                                .due_ms = due_ms,
                                .home = &d->post,
                                .note = {.run = told}}};
}

static int setup(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    struct password_work *w = password_work_new();
    enum err e = password_make(w, SPAN("right"), verifier, &f);
    password_work_free(&w);
    return e == ERR_OK ? 0 : -1;
}

static void answers_right_and_wrong(void **state)
{
    (void)state;
    struct desk d;
    struct asked right, wrong;
    struct hash_pool *p = hash_pool_new(2, 8);
    desk_init(&d);
    answers = 0;
    uint64_t due = hash_pool_now() + 1;
    ask(&right, &d, SPAN("right"), due);
    ask(&wrong, &d, SPAN("wrong"), due);
    assert_true(hash_pool_verify(p, &right.job));
    assert_true(hash_pool_verify(p, &wrong.job));
    desk_run(&d);
    desk_run(&d);
    assert_true(right.job.right);
    assert_false(wrong.job.right);
    hash_pool_free(&p);
    desk_fini(&d);
}

/* Wrong ones wait for their time, in the order of it, and keep nobody from being verified. */
static void wrong_ones_wait(void **state)
{
    (void)state;
    struct desk d;
    struct asked late, soon, right;
    struct hash_pool *p = hash_pool_new(1, 8);
    desk_init(&d);
    answers = 0;
    uint64_t now = hash_pool_now();
    ask(&late, &d, SPAN(""), now + 900);
    ask(&soon, &d, SPAN(""), now + 800);
    ask(&right, &d, SPAN("right"), now + 1000);
    hash_pool_refuse(p, &late.job);
    hash_pool_refuse(p, &soon.job);
    assert_true(hash_pool_verify(p, &right.job));
    for (int i = 0; i < 3; i++)
        desk_run(&d);
    assert_true(late.order > soon.order);
    assert_true(late.told_ms >= late.job.due_ms && soon.told_ms >= soon.job.due_ms);
    assert_true(right.job.right);
    assert_false(late.job.right || soon.job.right);
    hash_pool_free(&p);
    desk_fini(&d);
}

static void full(void **state)
{
    (void)state;
    struct desk d;
    struct asked asked[16];
    struct hash_pool *p = hash_pool_new(1, 2);
    unsigned taken = 0;
    desk_init(&d);
    for (size_t i = 0; i < UNIT_COUNT(asked); i++) {
        ask(&asked[i], &d, SPAN("right"), 0);
        taken += hash_pool_verify(p, &asked[i].job);
    }
    assert_true(taken >= 2 && taken < UNIT_COUNT(asked)); /* one at work, two waiting */
    for (unsigned i = 0; i < taken; i++)
        desk_run(&d);
    hash_pool_free(&p);
    desk_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_right_and_wrong),
        cmocka_unit_test(wrong_ones_wait),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
