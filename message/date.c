#include "message/date.h"
#include "message/cfws.h"

#define DAY_SECONDS 86400
#define YEAR_MAX 9999

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char week_days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* --- the calendar: Gregorian, also before there was one --------------------------------------- */

/* A year that starts in March ends with the leap day; 400 of them are 146,097 days. */
static int64_t days_from_civil(int year, unsigned month, unsigned day)
{
    int y = month <= 2 ? year - 1 : year; /* never negative: year is at least 1 */
    unsigned from_march = (month + 9) % 12;
    unsigned in_year = (153 * from_march + 2) / 5 + day - 1;
    return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

struct civil {
    int year;
    unsigned month, day, hour, minute, second, week_day;
};

static unsigned month_days(int year, unsigned month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Zones run from -9959 to +9959, RFC 5322 §3.3. */
static int zone_clamped(int minutes)
{
    const int most = 99 * 60 + 59;
    return minutes > most ? most : minutes < -most ? -most : minutes;
}

/* What the clock of d's zone shows, as seconds; kept within the years 1 to 9999, which four
 * digits can show. */
static int64_t local_seconds(struct date d)
{
    const int64_t first = days_from_civil(1, 1, 1) * DAY_SECONDS;
    const int64_t last = days_from_civil(YEAR_MAX + 1, 1, 1) * DAY_SECONDS - 1;
    int64_t zone = (int64_t)zone_clamped(d.zone_minutes) * 60;
    if (d.utc < first - zone)
        return first;
    return d.utc > last - zone ? last : d.utc + zone;
}

static int64_t floor_days(int64_t seconds)
{
    return seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
}

static struct civil civil_of(struct date d)
{
    int64_t seconds = local_seconds(d);
    int64_t days = floor_days(seconds);
    unsigned second = (unsigned)(seconds - days * DAY_SECONDS);
    unsigned since = (unsigned)(days + 719468); /* 1 March of the year 0 */
    unsigned era = since / 146097, in_era = since % 146097;
    unsigned y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned in_year = in_era - (365 * y + y / 4 - y / 100);
    unsigned from_march = (5 * in_year + 2) / 153;
    unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
    return (struct civil){
        .year = (int)(era * 400 + y + (month <= 2)),
        .month = month,
        .day = in_year - (153 * from_march + 2) / 5 + 1,
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .week_day = (unsigned)((days % 7 + 11) % 7), /* 1970 began on a Thursday */
    };
}

/* False unless c is a moment that there was; second 60 is a leap second. */
static bool civil_to_date(struct civil c, int zone_minutes, struct date *out)
{
    if (c.year < 1 || c.year > YEAR_MAX || c.month < 1 || c.day < 1 ||
        c.day > month_days(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 60)
        return false;
    int64_t seconds = days_from_civil(c.year, c.month, c.day) * DAY_SECONDS +
                      (int64_t)(c.hour * 3600 + c.minute * 60 + c.second);
    *out = (struct date){seconds - (int64_t)zone_minutes * 60, zone_minutes};
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(unsigned char c)
{
    return span_lower(c) >= 'a' && span_lower(c) <= 'z';
}

/* min to max digits and no more of them. */
static unsigned take_digits(struct scan *s, size_t min, size_t max, size_t *n_out)
{
    struct span run = scan_while(s, is_digit);
    unsigned v = 0;
    if (run.n < min || run.n > max) {
        scan_fail(s, "a number of the right length");
        return 0;
    }
    for (size_t i = 0; i < run.n; i++)
        v = v * 10 + (unsigned)(run.p[i] - '0');
    if (n_out)
        *n_out = run.n;
    return v;
}

/* Index of the name that a word begins with, or n. */
static unsigned name_index(struct span word, const char names[][4], unsigned n)
{
    unsigned i = 0;
    while (i < n && !span_starts_ci(word, span_of(names[i], 3)))
        i++;
    return i;
}

/* month-name = "Jan" / "Feb" / ..., also written out */
static unsigned take_month(struct scan *s)
{
    unsigned i = name_index(scan_while(s, is_alpha), months, 12);
    if (i == 12)
        scan_fail(s, "a month");
    return i + 1;
}

/* year = 4*DIGIT, obs-year = 2*DIGIT; two and three digits as RFC 5322 §4.3 says. */
static int take_year(struct scan *s)
{
    size_t n = 0;
    int year = (int)take_digits(s, 2, 4, &n);
    if (n == 3 || (n == 2 && year >= 50))
        return year + 1900;
    return n == 2 ? year + 2000 : year;
}

/* A colon, or the dot that some programs write. */
static bool try_colon(struct scan *s)
{
    return scan_try(s, ':') || scan_try(s, '.');
}

/* time-of-day = hour ":" minute [ ":" second ], one digit for the hour is forgiven */
static void take_time(struct scan *s, struct civil *c)
{
    c->hour = take_digits(s, 1, 2, NULL);
    cfws_skip(s);
    if (!try_colon(s))
        scan_fail(s, "a colon");
    cfws_skip(s);
    c->minute = take_digits(s, 2, 2, NULL);
    cfws_skip(s);
    if (try_colon(s)) {
        cfws_skip(s);
        c->second = take_digits(s, 2, 2, NULL);
        if (scan_try(s, '.')) /* a fraction that some programs write */
            scan_while(s, is_digit);
    }
}

/* ("+" / "-") 4DIGIT, a colon between hours and minutes is forgiven; the sign is taken already */
static int take_offset(struct scan *s, int sign)
{
    size_t n = 0;
    unsigned v = take_digits(s, 2, 4, &n), minute = v % 100, hour = v / 100;
    if (n == 2) {
        hour = v;
        scan_byte(s, ':', "a colon");
        minute = take_digits(s, 2, 2, NULL);
    }
    if (n == 3 || minute > 59)
        scan_fail(s, "a zone");
    return sign * (int)(hour * 60 + minute);
}

/* obs-zone, RFC 5322 §4.3: names without a known meaning are taken for -0000. */
static int zone_named(struct span name)
{
    /* clang-format off */
    static const struct { const char *name; int minutes; } zones[] = {
        {"EDT", -240}, {"EST", -300}, {"CDT", -300}, {"CST", -360},
        {"MDT", -360}, {"MST", -420}, {"PDT", -420}, {"PST", -480},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (span_eq_ci(name, span_cstr(zones[i].name)))
            return zones[i].minutes;
    }
    return 0;
}

/* zone, obs-zone, "GMT+0100" or nothing at all */
static int take_zone(struct scan *s)
{
    struct span name = scan_while(s, is_alpha);
    if (scan_try(s, '+'))
        return take_offset(s, 1);
    if (scan_try(s, '-'))
        return take_offset(s, -1);
    return zone_named(name);
}

/* day-of-week = ([FWS] day-name) / obs-day-of-week, with its comma; what it says is not compared. A word of another language needs the
 * comma. */
static void skip_day_name(struct scan *s)
{
    struct span word = scan_while(s, is_alpha);
    scan_try(s, '.');
    cfws_skip(s);
    if (!scan_try(s, ',') && word.n > 0 && name_index(word, week_days, 7) == 7)
        scan_fail(s, "a day of the week");
    cfws_skip(s);
}

/* Between day, month and year: white space, or the hyphen of RFC 850. */
static void skip_between(struct scan *s)
{
    scan_try(s, '.');
    cfws_skip(s);
    if (scan_try(s, '-'))
        cfws_skip(s);
}

/* What comes behind the date. A zone that is none is UTC, and with a time that is none it is midnight: RFC 5256 §2.2. */
static int take_clock(struct scan *s, struct civil *c)
{
    struct civil at = *c;
    cfws_skip(s);
    take_time(s, &at);
    if (!scan_ok(s) || at.hour > 23 || at.minute > 59 || at.second > 60)
        return 0;
    *c = at;
    cfws_skip(s);
    int zone_minutes = take_zone(s);
    return scan_ok(s) ? zone_minutes : 0;
}

/* "Nov 23 20:30:48 2026" as asctime() writes it behind the day of the week, maybe with a zone before the year. */
static int take_asctime(struct scan *s, struct civil *c)
{
    c->month = take_month(s);
    cfws_skip(s);
    c->day = take_digits(s, 1, 2, NULL);
    cfws_skip(s);
    take_time(s, c);
    cfws_skip(s);
    int zone_minutes = take_zone(s);
    cfws_skip(s);
    c->year = take_year(s);
    return zone_minutes;
}

/* date-time = [ day-of-week "," ] date time [CFWS]    RFC 5322 §3.3
 * What comes after it is ignored. */
bool date_parse(struct span text, struct date *out)
{
    struct scan s = scan_of(text);
    struct civil c = {0};
    cfws_skip(&s);
    skip_day_name(&s);
    if (!scan_done(&s) && is_alpha((unsigned char)scan_peek(&s))) {
        int zone_minutes = take_asctime(&s, &c);
        return scan_ok(&s) && civil_to_date(c, zone_minutes, out);
    }
    c.day = take_digits(&s, 1, 2, NULL);
    skip_between(&s);
    c.month = take_month(&s);
    skip_between(&s);
    c.year = take_year(&s);
    if (!scan_ok(&s))
        return false;
    int zone_minutes = take_clock(&s, &c);
    return civil_to_date(c, zone_minutes, out);
}

/* date-day "-" date-month "-" date-year    RFC 9051 §9 */
static void take_imap_day(struct scan *s, struct civil *c)
{
    c->day = take_digits(s, 1, 2, NULL);
    scan_byte(s, '-', "a hyphen");
    struct span month = scan_while(s, is_alpha);
    c->month = name_index(month, months, 12) + 1;
    if (c->month > 12 || month.n != 3)
        scan_fail(s, "a month");
    scan_byte(s, '-', "a hyphen");
    c->year = (int)take_digits(s, 4, 4, NULL);
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
 * RFC 9051 §9, without the quotes. A day of one digit without its space is forgiven. */
bool date_imap_parse(struct span text, struct date *out)
{
    struct scan s = scan_of(text);
    struct civil c = {0};
    scan_try(&s, ' ');
    take_imap_day(&s, &c);
    scan_byte(&s, ' ', "a space");
    c.hour = take_digits(&s, 2, 2, NULL);
    scan_byte(&s, ':', "a colon");
    c.minute = take_digits(&s, 2, 2, NULL);
    scan_byte(&s, ':', "a colon");
    c.second = take_digits(&s, 2, 2, NULL);
    scan_byte(&s, ' ', "a space");
    int sign = scan_try(&s, '-') ? -1 : 1;
    if (sign == 1)
        scan_byte(&s, '+', "a zone");
    unsigned zone = take_digits(&s, 4, 4, NULL);
    scan_end(&s, "the end");
    return scan_ok(&s) && zone % 100 < 60 &&
           civil_to_date(c, sign * (int)(zone / 100 * 60 + zone % 100), out);
}

bool date_imap_day(struct span text, int32_t *days_out)
{
    struct scan s = scan_of(text);
    struct civil c = {0};
    struct date d;
    take_imap_day(&s, &c);
    scan_end(&s, "the end");
    if (!scan_ok(&s) || !civil_to_date(c, 0, &d))
        return false;
    *days_out = (int32_t)floor_days(d.utc);
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct span date_format(struct arena *a, struct date d)
{
    d.zone_minutes = zone_clamped(d.zone_minutes);
    struct civil c = civil_of(d);
    int zone = d.zone_minutes < 0 ? -d.zone_minutes : d.zone_minutes;
    return arena_printf(a, "%s, %u %s %04d %02u:%02u:%02u %c%02d%02d", week_days[c.week_day], c.day,
                        months[c.month - 1], c.year, c.hour, c.minute, c.second,
                        d.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

static char *put_digits(char *to, unsigned v, unsigned n)
{
    for (unsigned i = n; i-- > 0; v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + n;
}

static char *put_byte(char *to, char c)
{
    *to = c;
    return to + 1;
}

void date_imap_format(struct date d, char out[DATE_IMAP_BYTES])
{
    d.zone_minutes = zone_clamped(d.zone_minutes);
    struct civil c = civil_of(d);
    unsigned zone = (unsigned)(d.zone_minutes < 0 ? -d.zone_minutes : d.zone_minutes);
    char *to = put_digits(out, c.day, 2);
    if (c.day < 10)
        out[0] = ' ';
    to = put_byte(to, '-');
    memcpy(to, months[c.month - 1], 3);
    to = put_byte(to + 3, '-');
    to = put_byte(put_digits(to, (unsigned)c.year, 4), ' ');
    to = put_byte(put_digits(to, c.hour, 2), ':');
    to = put_byte(put_digits(to, c.minute, 2), ':');
    to = put_byte(put_digits(to, c.second, 2), ' ');
    to = put_byte(to, d.zone_minutes < 0 ? '-' : '+');
    put_digits(put_digits(to, zone / 60, 2), zone % 60, 2);
}

int32_t date_day(struct date d)
{
    return (int32_t)floor_days(local_seconds(d));
}
