/* The clock of tests/fake/clock.c, moved by a test in the same process. Any thread, one at a time.
 */
#pragma once

#include <stdint.h>

/* Sets the time of day, in milliseconds since 1970-01-01 UTC. No time passes for those who wait. */
void fake_clock_set(int64_t milliseconds);

/* So much time passes for those who wait; the time of day stays. */
void fake_clock_pass(int64_t milliseconds);
