/* How old something stored is, although the clock may have been set since. Pure. */
#pragma once

#include <stdint.h>

/* How far a stored moment may lie ahead of the clock, in seconds, and still count as now: a clock
 * that is kept by NTP is corrected by less. */
#define AGE_AHEAD_MOST INT64_C(2)
#define AGE_UNKNOWN INT64_C(-1)

/* The age, in seconds, at `now` of what was stored `at` (both in seconds since 1970, not negative).
 * 0 where `at` lies up to AGE_AHEAD_MOST ahead. AGE_UNKNOWN where it lies further ahead: the clock
 * was wrong when it was stored, or is wrong now, and no bound on an age is kept. */
int64_t age_at(int64_t at, int64_t now);
