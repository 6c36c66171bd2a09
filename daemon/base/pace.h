/* Limits how often something may begin: at most so many times within any minute. A plain value,
 * initially all zeros; its owner serializes the calls. Pure. */
#pragma once

#include <stdint.h>

#define PACE_MOST 1000 /* times a minute */

struct pace {
  int64_t begun[PACE_MOST]; /* the latest beginnings, in nanoseconds; a ring */
  uint64_t count;           /* of all beginnings; the next one goes to begun[count % PACE_MOST] */
};

/* The time from which on the next beginning is allowed at `most` a minute (1 to PACE_MOST), as
 * clock_monotonic() tells it; INT64_MIN: it always was. */
int64_t pace_next(const struct pace *pace, int64_t most);

/* Whole seconds, rounded up, until the next beginning is allowed at `most` a minute; 0: now.
 * `now` is clock_monotonic(). */
int64_t pace_wait(const struct pace *pace, int64_t most, int64_t now);

/* Records a beginning. `now` is not less than in the previous call. */
void pace_begin(struct pace *pace, int64_t now);
