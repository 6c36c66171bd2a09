/* Hits are counted in memory and written in batches. */
#pragma once

#include "cache/jobs.h"

#include <pthread.h>

struct hits_job {
  struct cache_job job;
  struct hit *taken; /* keeper */
};

struct hits {
  struct hits_job own;
  pthread_mutex_t lock;
  struct hit *map; /* counted since the last job took them */
  int64_t pending;
  bool given; /* `own` is given */
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
