/* Evicts results, and sweeps those that are not live: one job that gives itself to the keeper again
 * as long as there is something to do. */
#pragma once

#include "cache/jobs.h"

#include <pthread.h>

#define SWEEP_CANDIDATES 64

#define SWEEP_EVICTED 256 /* results, in one round */

struct sweep {
  struct cache_job job;
  pthread_mutex_t lock;
  bool running; /* the job is given */
  bool again;   /* woken while the job was given */
  bool closing; /* no new rounds; the next start sweeps the rest */
  /* keeper */
  int64_t candidates[SWEEP_CANDIDATES]; /* results that were not live in a committed transaction */
  int count;
  int64_t evicted[SWEEP_EVICTED]; /* ids, in the last round */
  int64_t after;                  /* this pass has dealt with candidates up to this id */
  int64_t used;                   /* bytes of pages in use */
  int64_t inflation;              /* what is added to a rank: see sweep.c */
  bool more;                      /* there is more to do */
};

/* `inflation`: where it begins, as it is not stored: see sweep.c. */
void sweep_open(struct sweep *sweep, int64_t inflation);
void sweep_close(struct sweep *sweep);
/* Something may have to be evicted or swept. Any thread; does not block. */
void sweep_wake(struct cache *cache);
/* Begins no more rounds, as the cache is closing. Does not block. */
void sweep_end(struct cache *cache);
