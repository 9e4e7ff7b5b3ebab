#include "auth/jwt.h"

#include "tests/unit/unit_arena.h"

/* RFC 7515 appendix A.1, A.2 and A.3: keys (without their private parts) and tokens. */
static const struct {
    const char *jwk, *token;
} examples[] = {
    {"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj"
     "0iPS4hcgUuTwjAzZr1Z9CAow\"}",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTk"
     "zODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbU"
     "JU1p1r_wW1gFWFOEjXk"},
    {"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfH"
     "Qp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ4"
     "7soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH"
     "g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGN"
     "j8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
     "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9"
     "leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2Vt"
     "Qgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKB"
     "YNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN"
     "9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI"
     "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":"
     "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
     "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9"
     "leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXF"
     "CgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
};
#define EXPIRES 1300819380

static const struct jwt_rules rules = {.issuer = "joe", .claim = "iss", .now = EXPIRES - 1};

static struct jwt_keys *keys_of(const char *text)
{
    struct jwt_keys *k = NULL;
    struct fault f = FAULT_NONE;
    if (jwt_keys_read(span_cstr(text), &k, &f) != ERR_OK)
        fail_msg("%s", f.text);
    return k;
}

static enum jwt_is check(const struct jwt_keys *k, struct span token, const struct jwt_rules *r,
                         struct arena *a)
{
    struct span name;
    const char *why;
    enum jwt_is is = jwt_check(k, token, r, a, &name, &why);
    if (is == JWT_GOOD)
        unit_assert_span(name, "joe");
    return is;
}

static void the_examples_hold(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < UNIT_COUNT(examples); i++) {
        struct jwt_keys *k = keys_of(examples[i].jwk);
        for (size_t t = 0; t < UNIT_COUNT(examples); t++)
            assert_int_equal(check(k, span_cstr(examples[t].token), &rules, a),
                             t == i ? JWT_GOOD : JWT_BAD);
        jwt_keys_close(&k);
    }
}

/* No byte of it may be another. */
static void altered_tokens_are_refused(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < UNIT_COUNT(examples); i++) {
        struct jwt_keys *k = keys_of(examples[i].jwk);
        char *token = arena_cstr(a, span_cstr(examples[i].token));
        size_t n = strlen(token);
        for (size_t at = 0; at < n; at += 3) {
            char was = token[at];
            token[at] = was == 'A' ? 'B' : 'A';
            assert_int_equal(check(k, span_of(token, n), &rules, a), JWT_BAD);
            token[at] = was;
        }
        for (size_t cut = 0; cut < n; cut += 7)
            assert_int_equal(check(k, span_of(token, cut), &rules, a), JWT_BAD);
        jwt_keys_close(&k);
    }
}

static void claims_are_checked(void **state)
{
    struct arena *a = *state;
    struct jwt_keys *k = keys_of(examples[0].jwk);
    const struct {
        struct jwt_rules rules;
        enum jwt_is is;
    } rows[] = {
        {{.claim = "iss", .now = EXPIRES - 1}, JWT_GOOD},
        {{.claim = "iss", .now = EXPIRES + 59}, JWT_GOOD}, /* clocks differ */
        {{.claim = "iss", .now = EXPIRES + 60}, JWT_EXPIRED},
        {{.issuer = "jo", .claim = "iss", .now = 0}, JWT_BAD},
        {{.audience = "mail", .claim = "iss", .now = 0}, JWT_BAD},
        {{.claim = "email", .now = 0}, JWT_BAD},
        {{.claim = "exp", .now = 0}, JWT_BAD}, /* a number names nobody */
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        assert_int_equal(check(k, span_cstr(examples[0].token), &rows[i].rules, a), rows[i].is);
    jwt_keys_close(&k);
}

#define OFF_THE_CURVE                                                                              \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}"

static void bad_keys_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"keys\":[]}",
        "{\"keys\":[{}]}",
        "-----BEGIN PUBLIC KEY-----\nx\n",
        "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", /* too short */
        "{\"kty\":\"RSA\",\"n\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}",
        OFF_THE_CURVE,
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"};
    (void)state; /* cmocka wants it */
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct jwt_keys *k = NULL;
        struct fault f = FAULT_NONE;
        if (jwt_keys_read(span_cstr(bad[i]), &k, &f) != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_null(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_examples_hold, unit_arena_new, unit_arena_free),
        cmocka_unit_test_setup_teardown(altered_tokens_are_refused, unit_arena_new,
                                        unit_arena_free),
        cmocka_unit_test_setup_teardown(claims_are_checked, unit_arena_new, unit_arena_free),
        cmocka_unit_test(bad_keys_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
