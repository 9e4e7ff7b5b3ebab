#include "main/when.h"
#include "common/span.h"
#include <time.h>

static bool parse_age(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    size_t digits = strspn(text, "0123456789");
    uint32_t n;
    if (!span_u32(span_of(text, digits), &n) || text[digits] == '\0' || text[digits + 1] != '\0')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == text[digits]) {
            *out = (int64_t)n * units[i].seconds;
            return true;
        }
    return false;
}

static bool parse_date(const char *text, int64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%d",          "%Y-%m-%dZ",
                                        "%Y-%m-%dT%H:%M",    "%Y-%m-%dT%H:%MZ",
                                        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {.tm_sec = 0};
        const char *end = strptime(text, forms[i], &tm);
        struct tm same = tm;
        time_t at = timegm(&same);
        /* A 30th of February is moved on by timegm: no such day. */
        if (end && *end == '\0' && same.tm_mday == tm.tm_mday && same.tm_mon == tm.tm_mon) {
            *out = at;
            return true;
        }
    }
    return false;
}

bool when_parse(const char *text, int64_t now, int64_t *out)
{
    int64_t age;
    if (!parse_age(text, &age))
        return parse_date(text, out);
    *out = now - age;
    return true;
}
