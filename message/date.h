#pragma once /* message/date.h: the dates of mail */
#include "common/arena.h"
#include "common/scan.h"

/* A moment and the zone in which it was written. */
struct date {
    int64_t utc;      /* seconds since 1970 UTC */
    int zone_minutes; /* east positive */
};

/* date-time of RFC 5322 §3.3 with its obsolete forms (two-digit years, named zones, comments), read generously.
 * False: no date can be made of it. */
bool date_parse(struct span text, struct date *out);
/* "Mon, 23 Nov 2026 20:30:48 +0000" in a. */
struct span date_format(struct arena *a, struct date d);
/* IMAP: " 1-Jan-2026 10:00:00 +0100", date-time of RFC 9051 §9, without the quotes. */
bool date_imap_parse(struct span text, struct date *out);
#define DATE_IMAP_BYTES 26
void date_imap_format(struct date d, char out[DATE_IMAP_BYTES]); /* exactly 26 bytes, no NUL */
/* IMAP date "1-Feb-1994" (with or without quotes around it removed by the caller) as days since 1970. */
bool date_imap_day(struct span text, int32_t *days_out);
/* The day that d shows in its own zone, RFC 9051 §6.4.4 ("disregarding time and timezone"). */
int32_t date_day(struct date d);
