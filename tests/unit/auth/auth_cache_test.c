#include "auth/auth_cache.h"

#include "tests/unit/unit.h"

#include "common/clock.h"

#include <stdio.h>

static struct auth_cache_tag tag_of(const struct auth_cache *c, const char *user,
                                    const char *password, const char *verifier)
{
    return auth_cache_tag(c, span_cstr(user), span_cstr(password), span_cstr(verifier));
}

static void every_input_counts(void **state)
{
    (void)state;
    static const char *const inputs[][3] = {{"ann", "pw", "v"}, {"bob", "pw", "v"},
                                            {"ann", "pv", "v"}, {"ann", "pw", "w"},
                                            {"annp", "w", "v"}, {"ann", "", "pwv"}};
    struct auth_cache *c = auth_cache_new(60), *other = auth_cache_new(60);
    struct auth_cache_tag first = tag_of(c, "ann", "pw", "v");
    auth_cache_add(c, &first);
    for (size_t i = 0; i < UNIT_COUNT(inputs); i++) {
        struct auth_cache_tag tag = tag_of(c, inputs[i][0], inputs[i][1], inputs[i][2]);
        assert_int_equal(auth_cache_has(c, &tag), i == 0);
    }
    struct auth_cache_tag elsewhere = tag_of(other, "ann", "pw", "v");
    assert_memory_not_equal(&elsewhere, &first, sizeof first); /* the key is made at start */
    auth_cache_forget(c);
    assert_false(auth_cache_has(c, &first));
    auth_cache_free(&c);
    auth_cache_free(&other);
}

static void ends_in_time(void **state)
{
    (void)state;
    struct auth_cache *c = auth_cache_new(60), *none = auth_cache_new(0);
    struct auth_cache_tag tag = tag_of(c, "ann", "pw", "v");
    clock_freeze(1700000000);
    auth_cache_add(c, &tag);
    auth_cache_add(none, &tag);
    assert_false(auth_cache_has(none, &tag));
    clock_advance(59999);
    assert_true(auth_cache_has(c, &tag));
    clock_advance(1);
    assert_false(auth_cache_has(c, &tag));
    clock_thaw();
    auth_cache_free(&c);
    auth_cache_free(&none);
}

static void bounded(void **state)
{
    (void)state;
    struct auth_cache *c = auth_cache_new(60);
    struct auth_cache_tag first = tag_of(c, "0", "pw", "v"), second = tag_of(c, "1", "pw", "v");
    for (unsigned i = 0; i < AUTH_CACHE_COUNT + 1; i++) {
        char user[16];
        snprintf(user, sizeof user, "%u", i);
        struct auth_cache_tag tag = tag_of(c, user, "pw", "v");
        auth_cache_add(c, &tag);
        assert_true(auth_cache_has(c, &first)); /* used again and again: stays */
    }
    assert_false(auth_cache_has(c, &second)); /* the one used longest ago went */
    auth_cache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_counts),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
