/* The age of something stored, even if the clock was set in between. Pure. */
#pragma once

#include <stdint.h>

/* A stored moment up to this many seconds ahead of the clock counts as now: NTP corrects a clock by
 * less. */
#define AGE_AHEAD_MOST INT64_C(2)
#define AGE_UNKNOWN INT64_C(-1)

/* The age in seconds, at `now`, of something stored `at` (both in seconds since 1970, not
 * negative). 0 if `at` lies up to AGE_AHEAD_MOST ahead. AGE_UNKNOWN if it lies further ahead: the
 * clock was wrong then or is wrong now, and the age has no bound. */
int64_t age_at(int64_t at, int64_t now);
