#include "store/changes.h"

#include "tests/unit/store/unit_store.h"

#include <sys/stat.h>

static void store_keeps_what_it_had(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(unit_put(st, TABLE_DOMAIN, SPAN("example.org"), SPAN("1")), ERR_OK);
    store_close(&st);
    assert_null(st);
    store_close(&st);
    st = unit_store_open(&o);
    unit_assert_span(unit_value(st, TABLE_DOMAIN, SPAN("example.org")), "1");
    unit_assert_span(unit_value(st, TABLE_DOMAIN, SPAN("example.com")), "(none)");
    store_close(&st);
}

/* Commits rows one by one and tells each that is acknowledged on stderr; dies without closing. */
static void store_victim(void)
{
    struct store_options o = unit_options();
    struct store *st;
    if (store_open(&o, &st, NULL) != ERR_OK)
        _exit(1);
    for (char c = 'a'; c <= 'z'; c++) {
        if (unit_put(st, TABLE_ACCOUNT, span_of(&c, 1), span_of(&c, 1)) != ERR_OK)
            _exit(2);
        if (write(STDERR_FILENO, &c, 1) != 1)
            _exit(3);
    }
    kill(getpid(), SIGKILL);
}

static void store_survives_a_kill(void **state)
{
    (void)state;
    char acknowledged[64];
    int status = unit_child(store_victim, acknowledged, sizeof acknowledged);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_string_equal(acknowledged, "abcdefghijklmnopqrstuvwxyz");
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    for (const char *c = acknowledged; *c; c++)
        unit_assert_same(unit_value(st, TABLE_ACCOUNT, span_of(c, 1)), span_of(c, 1));
    store_close(&st);
}

static void store_refuses_company(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o), *second = NULL;
    struct fault f = FAULT_NONE;
    assert_int_equal(store_open(&o, &second, &f), ERR_BUSY);
    assert_null(second);
    store_close(&st);
    st = unit_store_open(&o);
    store_close(&st);
}

static void store_refuses_a_config(void **state)
{
    (void)state;
    FILE *config = fopen(unit_path("DB_CONFIG"), "w");
    assert_non_null(config);
    (void)fputs("set_flags DB_TXN_NOSYNC on\n", config);
    (void)fclose(config);
    struct store_options o = unit_options();
    struct store *st = NULL;
    struct fault f = FAULT_NONE;
    assert_int_equal(store_open(&o, &st, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "DB_CONFIG"));
    assert_int_equal(unlink(unit_path("DB_CONFIG")), 0);
    st = unit_store_open(&o);
    store_close(&st);
}

static enum err store_spoil_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)op;
    return table_put_u64(t, TABLE_META, SPAN("format"), 99, f);
}

static void store_refuses_another_format(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct store_op spoil = {.apply = store_spoil_apply};
    assert_int_equal(committer_run(st, &spoil, NULL), ERR_OK);
    store_close(&st);
    struct fault f = FAULT_NONE;
    assert_int_equal(store_open(&o, &st, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "format 99"));
}

static void store_reader(void)
{
    struct store_options o = unit_options();
    struct store *st;
    if (store_open(&o, &st, NULL) != ERR_OK)
        _exit(1);
    struct txn *t = unit_read(st);
    struct buf b;
    buf_init(&b, 100);
    enum err e = table_get(t, TABLE_ALIAS, SPAN("a@example.org"), &b, NULL);
    _exit(e == ERR_OK ? 2 : 3);
}

/* A damaged page is never read as something else: Berkeley DB panics, and the process ends so that people look. */
static void store_notices_damage(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(unit_put(st, TABLE_ALIAS, SPAN("a@example.org"), SPAN("b@example.org")),
                     ERR_OK);
    store_close(&st);
    int fd = open(unit_path("alias.db"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "????", 4, 4096 + 2000), 4);
    assert_int_equal(close(fd), 0);
    char text[4096];
    int status = unit_child(store_reader, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    assert_non_null(strstr(text, "store.panic"));
}

static void store_divides_accounts(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    assert_int_equal(store_home(st, 17), 0);
    assert_null(store_hubs(st));
    struct unit_box a = UNIT_BOX, b = UNIT_BOX;
    store_homes(st, (struct post *[]){&a.post, &b.post}, 2);
    assert_int_equal(store_home(st, 17), store_home(st, 17));
    assert_int_not_equal(store_home(st, 17), store_home(st, 18));
    assert_true(store_home(st, UINT64_MAX) < 2);
    store_close(&st);
}

static void store_counts(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct buf b;
    buf_init(&b, 4096);
    store_stats(st, &b);
    assert_true(span_find_span(buf_span(&b), SPAN("deadlocks=0\n")) < b.n);
    assert_true(span_find_span(buf_span(&b), SPAN("ops=")) < b.n);
    assert_false(store_is_low(st));
    assert_int_equal(store_options(st)->batch_count, o.batch_count);
    buf_fini(&b);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(store_keeps_what_it_had),
        unit_test_dir(store_survives_a_kill),
        unit_test_dir(store_refuses_company),
        unit_test_dir(store_refuses_a_config),
        unit_test_dir(store_refuses_another_format),
        unit_test_dir(store_divides_accounts),
        unit_test_dir(store_counts),
        unit_test_dir(store_notices_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
