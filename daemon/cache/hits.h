/* Hits are counted in memory, and written in batches. A hit on a hot result that saved what the
 * result cost is counted with the hot result (cache/tier.h), and collected for a batch. All others
 * are counted by each thread in its shard. */
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
  struct hit *map;       /* results that were counted or listed since the last job took them */
  int64_t counted;       /* how many of them were not listed at first */
  _Atomic int64_t noted; /* hits since then, also those that are counted with hot results */
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
/* Notes a hit that is counted with the hot result, so that a batch is written in time. Any thread;
 * takes no lock, mostly. */
void hits_note(struct cache *cache);
/* Has the next batch collect what is counted with the hot result of this id (tier_take_hits()).
 * False: no memory. Any thread; does not block. */
bool hits_list(struct cache *cache, int64_t id) MUST_CHECK;
/* Counts `count` hits that saved `saved` together, without noting them: those of a hot result that
 * goes. Any thread, also under the tier's lock; does not block. */
void hits_keep(struct hits *hits, int64_t id, int64_t count, struct amount saved);
/* Has the keeper write the hits soon. Any thread; does not block. */
void hits_flush(struct cache *cache);
/* Writes the hits, and waits for it. Any thread but the keeper's. */
bool hits_write(struct cache *cache, struct fault *fault) MUST_CHECK;
