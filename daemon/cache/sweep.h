/* Eviction, and the sweeping of results that are not live: one job that gives itself again as long
 * as there is something to do. */
#pragma once

#include "cache/jobs.h"

#include <pthread.h>

#define SWEEP_CANDIDATES 64

struct sweep {
  struct cache_job job;
  pthread_mutex_t lock;
  bool running; /* the job is given */
  bool again;   /* woken since the pass began */
  bool closing; /* no new rounds: the next start sweeps the rest */
  /* keeper */
  int64_t candidates[SWEEP_CANDIDATES]; /* were not live in a transaction that is committed */
  int count;
  int64_t after; /* candidates up to this id were looked at in this pass */
  int64_t used;  /* bytes of pages in use */
  bool more;
};

void sweep_open(struct sweep *sweep);
void sweep_close(struct sweep *sweep);
/* Any thread; does not block. */
void sweep_wake(struct cache *cache);
/* No new rounds: for closing. */
void sweep_end(struct cache *cache);
