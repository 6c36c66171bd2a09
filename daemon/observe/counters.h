/* Counts requests by outcome, with a histogram of their durations. */
#pragma once

#include "base/check.h"
#include "observe/outcome.h"

#include <stdint.h>

#define COUNTERS_BUCKETS 14
/* Upper bounds of the buckets, in seconds; +Inf comes after them. */
extern const double counters_bounds[COUNTERS_BUCKETS];

/* The requests with one outcome so far. */
struct tally {
  int64_t requests;
  int64_t buckets[COUNTERS_BUCKETS + 1]; /* not cumulated */
  double seconds;                        /* sum */
};

struct counters;

/* All zero; NULL for lack of memory. */
struct counters *counters_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void counters_release(struct counters **counters);

/* Counts one request that took so many nanoseconds. Any thread; takes no lock. */
void counters_add(struct counters *counters, enum outcome outcome, int64_t nanoseconds);

/* Fills `tally` with the requests of this outcome since the start. Any thread; takes no lock. */
void counters_read(struct counters *counters, enum outcome outcome, struct tally *tally);
