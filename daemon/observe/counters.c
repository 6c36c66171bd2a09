#include "observe/counters.h"

#include "base/scope.h"
#include "base/shard.h"

#include <stdatomic.h>

const double counters_bounds[COUNTERS_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,    0.25,  0.5,    1,     5,    30,    120};

struct shard {
  SHARD_ALIGNED struct { atomic_llong nanoseconds, buckets[COUNTERS_BUCKETS + 1]; } of[OUTCOMES];
};

struct counters {
  struct shard shards[SHARDS];
};

struct counters *counters_create(void) {
  return shard_alloc(sizeof(struct counters));
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
  struct shard *shard = &counters->shards[shard_of_thread()];
  int bucket = bucket_of((double)nanoseconds / 1e9);
  CHECK(outcome < OUTCOMES);
  atomic_fetch_add_explicit(&shard->of[outcome].nanoseconds, nanoseconds, memory_order_relaxed);
  atomic_fetch_add_explicit(&shard->of[outcome].buckets[bucket], 1, memory_order_relaxed);
}

/* Adds a shard's requests. Each is in one bucket, so the buckets are their number, too. */
static void add_shard(struct shard *shard, enum outcome outcome, struct tally *tally) {
  for (int i = 0; i <= COUNTERS_BUCKETS; i++) {
    int64_t requests = atomic_load_explicit(&shard->of[outcome].buckets[i], memory_order_relaxed);
    tally->buckets[i] += requests;
    tally->requests += requests;
  }
}

void counters_read(struct counters *counters, enum outcome outcome, struct tally *tally) {
  int64_t nanoseconds = 0;
  CHECK(outcome < OUTCOMES);
  *tally = (struct tally){0};
  for (int i = 0; i < SHARDS; i++) {
    struct shard *shard = &counters->shards[i];
    add_shard(shard, outcome, tally);
    nanoseconds += atomic_load_explicit(&shard->of[outcome].nanoseconds, memory_order_relaxed);
  }
  tally->seconds = (double)nanoseconds / 1e9;
}
