#include "auth/app_password.h"

#include "tests/unit/unit.h"

static void any_spelling_is_the_same(void **state)
{
    char made[APP_PASSWORD_TEXT_BYTES], one[CREDENTIAL_DIGEST_BYTES], two[CREDENTIAL_DIGEST_BYTES];
    (void)state; /* cmocka wants it */
    app_password_make(made);
    assert_int_equal(strlen(made), 23);
    assert_true(app_password_digest(1, span_cstr(made), one));
    assert_true(app_password_digest(1, SPAN("abcde-fghij-kmnpq-rstuv"), one));
    assert_true(app_password_digest(1, SPAN("ABCDEFGHIJ KMNPQ RSTUV "), two));
    assert_memory_equal(one, two, sizeof one);
    assert_true(app_password_digest(2, SPAN("abcde-fghij-kmnpq-rstuv"), two));
    assert_memory_not_equal(one, two, sizeof one); /* another account */
    assert_false(app_password_digest(1, SPAN("abcde-fghij-kmnpq-rstu"), one));
    assert_false(app_password_digest(1, SPAN("abcde-fghij-kmnpq-rstuvw"), one));
    assert_false(app_password_digest(1, SPAN("abcde-fghij-kmnpq-rstu0"), one));
    assert_false(app_password_digest(1, SPAN("abcde-fghij-kmnpq-rstu\0"), one));
    assert_false(app_password_digest(1, SPAN(""), one));
}

/* clang-format off */
static const struct {
    const char *from;
    int64_t expires;
    unsigned protocols;
    const char *peer;
    enum auth_why why;
} permits[] = {
    {"",                          0,    AUTH_EVERYTHING, "192.0.2.1",          AUTH_WHY_NOT_AT_ALL},
    {"",                          0,    AUTH_EVERYTHING, "",                   AUTH_WHY_NOT_AT_ALL},
    {"",                          0,    AUTH_SUBMISSION, "192.0.2.1",          AUTH_WHY_FORBIDDEN},
    {"",                          1000, AUTH_IMAP,       "192.0.2.1",          AUTH_WHY_EXPIRED},
    {"",                          1001, AUTH_IMAP,       "192.0.2.1",          AUTH_WHY_NOT_AT_ALL},
    {"192.0.2.0/24",              0,    AUTH_IMAP,       "192.0.2.255",        AUTH_WHY_NOT_AT_ALL},
    {"192.0.2.0/24",              0,    AUTH_IMAP,       "192.0.3.0",          AUTH_WHY_FORBIDDEN},
    {"192.0.2.0/24",              0,    AUTH_IMAP,       "::ffff:192.0.2.7",   AUTH_WHY_NOT_AT_ALL},
    {"192.0.2.0/24",              0,    AUTH_IMAP,       "",                   AUTH_WHY_FORBIDDEN},
    {"192.0.2.0/24",              0,    AUTH_IMAP,       "2001:db8::1",        AUTH_WHY_FORBIDDEN},
    {"192.0.2.7",                 0,    AUTH_IMAP,       "192.0.2.7",          AUTH_WHY_NOT_AT_ALL},
    {"192.0.2.7",                 0,    AUTH_IMAP,       "192.0.2.6",          AUTH_WHY_FORBIDDEN},
    {"192.0.2.0/25",              0,    AUTH_IMAP,       "192.0.2.128",        AUTH_WHY_FORBIDDEN},
    {"0.0.0.0/0",                 0,    AUTH_IMAP,       "203.0.113.9",        AUTH_WHY_NOT_AT_ALL},
    {"0.0.0.0/0",                 0,    AUTH_IMAP,       "2001:db8::1",        AUTH_WHY_FORBIDDEN},
    {"::/0",                      0,    AUTH_IMAP,       "203.0.113.9",        AUTH_WHY_NOT_AT_ALL},
    {"10.0.0.0/8,2001:db8::/33",  0,    AUTH_IMAP,       "2001:db8:7fff::1",   AUTH_WHY_NOT_AT_ALL},
    {"10.0.0.0/8, 2001:db8::/33", 0,    AUTH_IMAP,       "2001:db8:8000::1",   AUTH_WHY_FORBIDDEN},
};
/* clang-format on */

static void limits_hold(void **state)
{
    (void)state; /* cmocka wants it */
    for (size_t i = 0; i < UNIT_COUNT(permits); i++) {
        struct credential_app app = {.expires = permits[i].expires,
                                     .protocols = permits[i].protocols,
                                     .from = span_cstr(permits[i].from)};
        assert_int_equal(app_password_permits(&app, AUTH_IMAP, span_cstr(permits[i].peer), 1000),
                         permits[i].why);
    }
}

static void networks_are_checked(void **state)
{
    static const char *const good[] = {"192.0.2.1", "0.0.0.0/0", "::1/128", "10.0.0.0/8, ::/0"};
    static const char *const bad[] = {"",         "x",         "192.0.2.1/33", "::/129", "1.2.3",
                                      "1.2.3.4/", "1.2.3.4/x", "1.2.3.4,,::1", "/8",     " "};
    (void)state; /* cmocka wants it */
    for (size_t i = 0; i < UNIT_COUNT(good); i++)
        assert_true(app_password_networks(span_cstr(good[i])));
    for (size_t i = 0; i < UNIT_COUNT(bad); i++)
        assert_false(app_password_networks(span_cstr(bad[i])));
}

static void the_right_one_is_found(void **state)
{
    struct credential_app apps[3] = {{.name = SPAN("a")}, {.name = SPAN("b")}, {.name = SPAN("c")}};
    struct credentials c = {.apps = apps, .app_count = 3};
    (void)state; /* cmocka wants it */
    assert_true(app_password_digest(5, SPAN("abcde-fghij-kmnpq-rstuv"), apps[1].digest));
    assert_ptr_equal(app_password_match(5, &c, SPAN("abcdefghijkmnpqrstuv")), &apps[1]);
    assert_null(app_password_match(6, &c, SPAN("abcdefghijkmnpqrstuv")));
    assert_null(app_password_match(5, &c, SPAN("bbcdefghijkmnpqrstuv")));
    c.app_count = 1;
    assert_null(app_password_match(5, &c, SPAN("abcdefghijkmnpqrstuv")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_spelling_is_the_same), cmocka_unit_test(limits_hold),
        cmocka_unit_test(networks_are_checked), cmocka_unit_test(the_right_one_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
