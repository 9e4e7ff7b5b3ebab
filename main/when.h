#pragma once /* main/when.h: a moment as people write it */
#include <stdbool.h>
#include <stdint.h>

/* 90s, 45m, 2h, 3d, 2w: so long before now. 2026-11-23, 2026-11-23T20:00, 2026-11-23T20:00:00, with or without a Z: UTC.
 * Seconds since 1970. False: none of these. */
bool when_parse(const char *text, int64_t now, int64_t *out);
