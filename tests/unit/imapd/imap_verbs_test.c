#include "imapd/imap_verbs.h"

#include "tests/unit/unit.h"

/* clang-format off */
static const char *const every[] = {
    /* RFC 9051 §6 and RFC 3501 §6 in order */
    "CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN", "ENABLE",
    "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB",
    "NAMESPACE", "STATUS", "APPEND", "IDLE",
    "CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "MOVE",
    "ID",                                                       /* RFC 2971 */
    "GETACL", "SETACL", "DELETEACL", "LISTRIGHTS", "MYRIGHTS",  /* RFC 4314 */
    "COMPRESS",                                                 /* RFC 4978 */
    "LANGUAGE", "COMPARATOR",                                   /* RFC 5255 */
    "SORT", "THREAD",                                           /* RFC 5256 */
    "CANCELUPDATE",                                             /* RFC 5267 */
    "GETMETADATA", "SETMETADATA",                               /* RFC 5464 */
    "NOTIFY",                                                   /* RFC 5465 */
    "ESEARCH",                                                  /* RFC 7377 */
    "UNAUTHENTICATE",                                           /* RFC 8437 */
    "REPLACE",                                                  /* RFC 8508 */
    "GETQUOTA", "GETQUOTAROOT", "SETQUOTA",                     /* RFC 9208 */
    "UIDBATCHES",                                               /* RFC 10022 */
    "XLIST",                                                    /* clients of Gmail's first years */
};
/* clang-format on */

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

static bool verbs_listed(const char *name, const char *const *list, size_t n)
{
    bool listed = false;
    for (size_t i = 0; i < n; i++)
        listed |= strcmp(name, list[i]) == 0;
    return listed;
}

/* No EXPUNGE while these run, and by no other command's fault: RFC 9051 §7.5.1, RFC 5256 §3. What is marked as a change of the selected
 * mailbox, or names messages by number, is for the selected state alone. */
static void verbs_policy(void **state)
{
    (void)state;
    static const char *const quiet[] = {"FETCH", "STORE", "SEARCH", "SORT", "THREAD", "ESEARCH"};
    size_t n;
    const struct imap_verb *v = imap_verbs_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool numbers = (v[i].flags & VERB_UID) && !(v[i].flags & VERB_PLAIN);
        assert_int_equal((v[i].flags & VERB_NO_EXPUNGE) != 0,
                         verbs_listed(v[i].name, quiet, UNIT_COUNT(quiet)));
        if (numbers || (v[i].flags & VERB_WRITES))
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
