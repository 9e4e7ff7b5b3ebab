#include "main/when.h"
#include "../unit.h"

#define NOW INT64_C(1795467600) /* 2026-11-23T21:00:00Z */

static void moments(void **state)
{
    (void)state; /* cmocka wants it */
    static const struct {
        const char *text;
        int64_t at; /* 0: none */
    } cases[] = {
        {"90s", NOW - 90},
        {"45m", NOW - 2700},
        {"2h", NOW - 7200},
        {"3d", NOW - 259200},
        {"2w", NOW - 1209600},
        {"0s", NOW},
        {"2026-11-23", NOW - 21 * 3600},
        {"2026-11-23Z", NOW - 21 * 3600},
        {"2026-11-23T21:00", NOW},
        {"2026-11-23T21:00Z", NOW},
        {"2026-11-23T20:59:59", NOW - 1},
        {"2026-11-23T20:59:59Z", NOW - 1},
        {"2024-02-29", INT64_C(1709164800)},
        {"2025-02-29", 0},
        {"2026-13-01", 0},
        {"", 0},
        {"2", 0},
        {"h", 0},
        {"2hh", 0},
        {"2 h", 0},
        {"-2h", 0},
        {"99999999999d", 0},
        {"yesterday", 0},
        {"2026-11-23 or so", 0},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        int64_t at = 0;
        bool good = when_parse(cases[i].text, NOW, &at);
        if (good != (cases[i].at != 0) || at != cases[i].at)
            fail_msg("%s: %lld", cases[i].text, (long long)at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
