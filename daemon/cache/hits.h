/* Hits are counted in memory, each thread in its shard, and written in batches. */
#pragma once

#include "base/shard.h"
#include "cache/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

struct hits_job {
  struct cache_job job;
  struct hit *taken[SHARDS]; /* keeper */
};

struct hits_shard {
  SHARD_ALIGNED pthread_mutex_t lock;
  struct hit *map; /* counted since the last job took them */
  int64_t count;
};

struct hits {
  struct hits_shard shards[SHARDS];
  SHARD_ALIGNED struct hits_job own;
  atomic_bool given;    /* `own` is given */
  _Atomic int64_t next; /* when it is given again, if that is due: clock_monotonic() */
};

void hits_open(struct hits *hits);
void hits_close(struct hits *hits);

/* Counts one hit on the result with this id, which saved `saved`: see cache_count_hit(). Any thread;
 * does not block. */
void hits_count(struct cache *cache, int64_t id, struct amount saved);
/* Has the keeper write the hits soon. Any thread; does not block. */
void hits_flush(struct cache *cache);
/* Writes the hits, and waits for it. Any thread but the keeper's. */
bool hits_write(struct cache *cache, struct fault *fault) MUST_CHECK;
