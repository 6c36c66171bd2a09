#include "observe/counters.h"

#include "base/scope.h"

#include <stdatomic.h>

const double counters_bounds[COUNTERS_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,    0.25,  0.5,    1,     5,    30,    120};

struct counters {
  struct {
    atomic_llong requests, nanoseconds, buckets[COUNTERS_BUCKETS + 1];
  } of[OUTCOMES];
};

struct counters *counters_create(void) {
  return calloc(1, sizeof(struct counters));
}

void counters_release(struct counters **address) {
  free(steal(*address));
}

static int bucket_of(double seconds) {
  int bucket = 0;
  while (bucket < COUNTERS_BUCKETS && seconds > counters_bounds[bucket])
    bucket++;
  return bucket;
}

void counters_add(struct counters *counters, enum outcome outcome, int64_t nanoseconds) {
  int bucket = bucket_of((double)nanoseconds / 1e9);
  CHECK(outcome < OUTCOMES);
  atomic_fetch_add_explicit(&counters->of[outcome].requests, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&counters->of[outcome].nanoseconds, nanoseconds, memory_order_relaxed);
  atomic_fetch_add_explicit(&counters->of[outcome].buckets[bucket], 1, memory_order_relaxed);
}

void counters_read(struct counters *counters, enum outcome outcome, struct tally *tally) {
  CHECK(outcome < OUTCOMES);
  tally->requests = atomic_load(&counters->of[outcome].requests);
  tally->seconds = (double)atomic_load(&counters->of[outcome].nanoseconds) / 1e9;
  for (int i = 0; i <= COUNTERS_BUCKETS; i++)
    tally->buckets[i] = atomic_load(&counters->of[outcome].buckets[i]);
}
