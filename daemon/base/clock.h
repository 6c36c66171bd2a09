/* The only reader of the time. */
#pragma once

#include <stdint.h>

/* Seconds since 1970-01-01 UTC. May step when the machine's clock is set. */
int64_t clock_seconds(void);

/* The same in milliseconds. */
int64_t clock_milliseconds(void);

/* Nanoseconds on a clock that never steps; for durations. */
int64_t clock_monotonic(void);
