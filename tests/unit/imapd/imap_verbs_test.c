#include "imapd/imap_verbs.h"

#include "tests/unit/unit.h"

/* RFC 9051 §6 and RFC 3501 §6 in order, and what clients of Gmail's first years ask. */
static const char *const every[] = {
    "CAPABILITY", "NOOP",     "LOGOUT",    "STARTTLS", "AUTHENTICATE", "LOGIN",     "ENABLE",
    "SELECT",     "EXAMINE",  "CREATE",    "DELETE",   "RENAME", "REPLACE",       "SUBSCRIBE", "UNAUTHENTICATE", "UNSUBSCRIBE",
    "LIST",       "LSUB",     "NAMESPACE", "STATUS",   "APPEND",       "IDLE",      "CHECK",
    "CLOSE", "COMPRESS",      "UNSELECT", "EXPUNGE",   "SEARCH",   "FETCH",        "STORE",     "COPY",
    "MOVE",       "ID",       "XLIST",    "GETACL",       "SETACL",    "DELETEACL", "LISTRIGHTS",
    "MYRIGHTS"};

static void verbs_sorted(void **state)
{
    (void)state;
    size_t n;
    const struct imap_verb *v = imap_verbs_all(&n);
    for (size_t i = 1; i < n; i++)
        assert_true(strcmp(v[i - 1].name, v[i].name) < 0);
}

static void verbs_complete(void **state)
{
    (void)state;
    size_t n;
    imap_verbs_all(&n);
    assert_int_equal(n, UNIT_COUNT(every));
    for (size_t i = 0; i < UNIT_COUNT(every); i++) {
        const struct imap_verb *v = imap_verbs_find(span_cstr(every[i]));
        assert_non_null(v);
        assert_string_equal(v->name, every[i]);
        assert_non_null(v->run);
        assert_true(v->states != 0 && v->states <= IN_ANY);
    }
}

static void verbs_found(void **state)
{
    (void)state;
    assert_string_equal(imap_verbs_find(SPAN("fEtCh"))->name, "FETCH");
    assert_null(imap_verbs_find(SPAN("")));
    assert_null(imap_verbs_find(SPAN("FETC")));
    assert_null(imap_verbs_find(SPAN("FETCHX")));
    assert_null(imap_verbs_find(SPAN("A")));
    assert_null(imap_verbs_find(SPAN("ZZ")));
}

/* RFC 9051 §7.5.1: no EXPUNGE while FETCH, STORE or SEARCH runs, and by no other command's fault. */
static void verbs_policy(void **state)
{
    (void)state;
    size_t n;
    const struct imap_verb *v = imap_verbs_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool numbers = strcmp(v[i].name, "FETCH") == 0 || strcmp(v[i].name, "STORE") == 0 ||
                       strcmp(v[i].name, "SEARCH") == 0;
        assert_int_equal((v[i].flags & VERB_NO_EXPUNGE) != 0, numbers);
        if (v[i].flags & (VERB_UID | VERB_WRITES))
            assert_int_equal(v[i].states, IN_SELECTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_sorted), cmocka_unit_test(verbs_complete),
        cmocka_unit_test(verbs_found), cmocka_unit_test(verbs_policy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
