#pragma once /* common/clock.h: the only source of time */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* All thread-safe. Everything that waits or dates asks here, so a lab can freeze and advance time. */
uint64_t clock_ms(void); /* monotonic, for deadlines and durations; milliseconds since some start */
int64_t clock_wall(void);    /* seconds since 1970 UTC */
int64_t clock_wall_ms(void); /* milliseconds since 1970 UTC */
/* Stops the wall and the monotonic clock at wall_s; clock_advance moves both (running clocks
 * as well). clock_thaw lets them run on from there. */
void clock_freeze(int64_t wall_s);
void clock_advance(uint64_t ms);
void clock_thaw(void);
/* Offset of local time from UTC at that moment, in minutes, east positive. */
int clock_zone_minutes(int64_t wall_s);
