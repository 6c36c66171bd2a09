/* How often something may begin: not more than so many times in any minute. A plain value, all
 * zeros at first; its owner guards it. Pure. */
#pragma once

#include <stdint.h>

#define PACE_MOST 1000 /* times a minute */

struct pace {
  int64_t begun[PACE_MOST]; /* the last times, in nanoseconds; a ring */
  uint64_t count;           /* of all times; the next one goes to begun[count % PACE_MOST] */
};

/* Whole seconds, rounded up, until it may begin again if `most` times a minute are allowed (1 to
 * PACE_MOST); 0: at once. `now` is of clock_monotonic(). */
int64_t pace_wait(const struct pace *pace, int64_t most, int64_t now);

/* It begins. `now` is not less than it was the last time. */
void pace_begin(struct pace *pace, int64_t now);
