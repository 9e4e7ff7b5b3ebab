#include "net/heap.h"

#include "common/trip.h"
#include "tests/unit/net/peer.h"

#include <event2/event.h>
#include <openssl/crypto.h>

/* Each asks for memory once at least; true if it got it. */
static bool base_made(void)
{
    struct event_config *config = event_config_new();
    bool made = config != NULL;
    if (made)
        event_config_free(config);
    return made;
}

static bool crypto_made(void)
{
    void *p = OPENSSL_malloc(10);
    bool made = p != NULL;
    OPENSSL_free(p);
    return made;
}

static bool crypto_grown(void)
{
    void *p = OPENSSL_realloc(NULL, 10);
    bool made = p != NULL;
    OPENSSL_free(p);
    return made;
}

static void test_counted(void **state)
{
    static bool (*const makers[])(void) = {base_made, crypto_made, crypto_grown};
    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        assert_true(makers[i]());
        trip_arm(TRIP_ALLOC, 1, 0, false);
        assert_false(makers[i]());
        assert_true(trip_disarm());
        assert_true(makers[i]());
    }
}

/* As OpenSSL's own: nothing for 0 bytes, and a block that shrinks to them is given back. */
static void test_nothing(void **state)
{
    (void)state;
    assert_null(OPENSSL_malloc(0));
    assert_null(OPENSSL_realloc(OPENSSL_malloc(10), 0));
    OPENSSL_free(NULL);
}

int main(void)
{
    heap_install();
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_counted),
                                              cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
