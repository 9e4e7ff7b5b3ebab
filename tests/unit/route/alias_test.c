#include "route/alias.h"

#include "tests/unit/route/town.h"

#include "common/buf.h"

#include <stdio.h>

static struct town town;

static const char *const domains[] = {"example.org", "example.net", NULL};
static const char *const accounts[] = {
    "ann@example.org", "bob@example.org",        "c+d@example.org",  "keep@example.org",
    "zoe@example.net", "\xc3\xa9va@example.org", "bomb@example.net", NULL};
/* clang-format off */
static const struct town_alias aliases[] = {
    {"team@example.org",     {"ann@example.org", "bob@example.org"}},
    {"all@example.org",      {"team@example.org", "zoe@example.net", "ann@example.org"}},
    {"part@example.org",     {"ann@example.org", "gone@example.org", "far@elsewhere.test"}},
    {"void@example.org",     {"gone@example.org"}},
    {"voids@example.org",    {"void@example.org", "void@example.org"}},
    {"keep@example.org",     {"keep@example.org", "bob@example.org"}}, /* a copy for keep, one for bob */
    {"self@example.org",     {"self@example.org"}},
    {"loop1@example.org",    {"loop2@example.org"}},
    {"loop2@example.org",    {"ann@example.org", "loop1@example.org"}},
    {"tagged@example.org",   {"ann+lists@example.org"}},
    {"postmaster@example.net", {"zoe@example.net"}},
    {"@example.net",         {"zoe@example.net"}},
    {NULL, {NULL}},
};

static const struct {
    const char *rcpt;
    enum err e;
    const char *targets; /* in order, with spaces between */
    unsigned dangling;
} cases[] = {
    {"ann@example.org",            ERR_OK, "ann@example.org", 0},
    {"ANN@EXAMPLE.org",            ERR_OK, "ann@example.org", 0},
    {"\xc3\x89va@example.org",     ERR_OK, "\xc3\xa9va@example.org", 0},
    {"ann+x@example.org",          ERR_OK, "ann@example.org", 0},
    {"ann+x+y@example.org",        ERR_OK, "ann@example.org", 0},
    {"ann+@example.org",           ERR_OK, "ann@example.org", 0},
    {"c+d@example.org",            ERR_OK, "c+d@example.org", 0},
    {"c+e@example.org",            ERR_NOTFOUND, "", 0},
    {"+x@example.org",             ERR_NOTFOUND, "", 0},
    {"nobody@example.org",         ERR_NOTFOUND, "", 0},
    {"ann@elsewhere.test",         ERR_DENIED, "", 0},
    {"ann@[127.0.0.1]",            ERR_DENIED, "", 0},
    {"team@example.org",           ERR_OK, "ann@example.org bob@example.org", 0},
    {"team+x@example.org",         ERR_OK, "ann@example.org bob@example.org", 0},
    {"all@example.org",            ERR_OK, "ann@example.org bob@example.org zoe@example.net ann@example.org", 0},
    {"part@example.org",           ERR_OK, "ann@example.org", 2},
    {"void@example.org",           ERR_NOTFOUND, "", 1},
    {"voids@example.org",          ERR_NOTFOUND, "", 3},
    {"keep@example.org",           ERR_OK, "keep@example.org bob@example.org", 0},
    {"self@example.org",           ERR_NOTFOUND, "", 1},
    {"loop1@example.org",          ERR_CORRUPT, "", 0},
    {"loop2@example.org",          ERR_CORRUPT, "", 0},
    {"tagged@example.org",         ERR_OK, "ann@example.org", 0},
    {"anybody@example.net",        ERR_OK, "zoe@example.net", 0},
    {"zoe@example.net",            ERR_OK, "zoe@example.net", 0},
    {"postmaster@example.net",     ERR_OK, "zoe@example.net", 0},
    {"postmaster@example.org",     ERR_NOTFOUND, "", 0},
    {"Postmaster",                 ERR_OK, "zoe@example.net", 0}, /* at the first of our domains: example.net */
};
/* clang-format on */

static enum err resolve(const struct route_options *o, const char *rcpt, struct buf *text,
                        struct alias_targets *out)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct arena *a = arena_new();
    struct span all = span_cstr(rcpt);
    size_t at = span_find(all, '@');
    struct address addr = {span_to(all, at), span_from(all, at < all.n ? at + 1 : at)};
    assert_int_equal(txn_read(town.store, &t, &f), ERR_OK);
    enum err e = alias_resolve(t, a, o, addr, out, &f);
    for (size_t i = 0; e == ERR_OK && i < out->n; i++) {
        buf_addf(text, "%s%.*s", i ? " " : "", SPAN_ARG(out->list[i].address));
        assert_int_equal(out->list[i].account == 0,
                         o->lab && span_eq(out->list[i].address, SPAN("new@example.org")));
    }
    txn_read_end(&t);
    arena_free(&a);
    return e;
}

static void resolves(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct alias_targets found;
        struct buf text;
        buf_init(&text, 10000);
        assert_int_equal(resolve(&route_options_default, cases[i].rcpt, &text, &found), cases[i].e);
        unit_assert_same(buf_span(&text), span_cstr(cases[i].targets));
        if (cases[i].e != ERR_CORRUPT)
            assert_int_equal(found.dangling, cases[i].dangling);
        buf_fini(&text);
    }
}

/* In a lab everybody is there; an account that does not exist is the one without the detail. */
static void lab(void **state)
{
    (void)state;
    static const struct {
        const char *rcpt, *targets;
    } made[] = {{"ann+x@example.org", "ann@example.org"},
                {"new@example.org", "new@example.org"},
                {"new+x@example.org", "new@example.org"},
                {"x@example.net", "zoe@example.net"}};
    struct route_options o = route_options_default;
    o.lab = true;
    for (size_t i = 0; i < UNIT_COUNT(made); i++) {
        struct alias_targets found;
        struct buf text;
        buf_init(&text, 10000);
        assert_int_equal(resolve(&o, made[i].rcpt, &text, &found), ERR_OK);
        unit_assert_same(buf_span(&text), span_cstr(made[i].targets));
        buf_fini(&text);
    }
}

/* Ten levels, each with ten aliases that name all ten of the next: 10^10 paths, but only 91 aliases. And a chain that is
 * one too long. */
static void bombs(void **state)
{
    (void)state;
    static char names[31][24];
    static struct town_alias levels[300];
    size_t n = 0;
    for (int i = 0; i <= 30; i++)
        snprintf(names[i], sizeof names[i], i < 30 ? "chain%d@example.org" : "ann@example.org", i);
    for (int i = 0; i < 30; i++)
        levels[n++] = (struct town_alias){names[i], {names[i + 1]}};
    static char wide[11][10][24];
    for (int level = 0; level <= 10; level++)
        for (int k = 0; k < 10; k++)
            snprintf(wide[level][k], sizeof wide[0][0],
                     level < 10 ? "w%d-%d@example.org" : "ann+%d%d@example.org", level, k);
    for (int level = 0; level < 10; level++) {
        for (int k = 0; k < 10; k++) {
            levels[n].key = wide[level][k];
            for (int to = 0; to < 10; to++)
                levels[n].targets[to] = wide[level + 1][to];
            n++;
        }
    }
    town_write(&town, (struct town_plan){.aliases = levels});
    struct alias_targets found;
    struct buf text;
    buf_init(&text, 100000);
    struct route_options o = route_options_default;
    assert_int_equal(resolve(&o, "chain10@example.org", &text, &found), ERR_OK); /* 20 aliases */
    assert_int_equal(resolve(&o, "chain9@example.org", &text, &found), ERR_CORRUPT);
    assert_int_equal(resolve(&o, "w0-0@example.org", &text, &found),
                     ERR_OK); /* each alias once: 911 addresses */
    o.alias_total_count = 910;
    assert_int_equal(resolve(&o, "w0-0@example.org", &text, &found), ERR_CORRUPT);
    buf_fini(&text);
}

static int setup(void **state)
{
    (void)state;
    town_open(&town);
    town_write(&town,
               (struct town_plan){.domains = domains, .accounts = accounts, .aliases = aliases});
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
        cmocka_unit_test(resolves),
        cmocka_unit_test(lab),
        cmocka_unit_test(bombs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
