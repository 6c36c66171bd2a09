/* The jobs of this room. They run on the keeper's thread, each in a savepoint (db/keeper.h), as
 * long as the cache is usable. */
#pragma once

#include "db/keeper.h"

#include <stdint.h>

struct cache;
struct db;

/* The first member of the struct that its owner allocates. */
struct cache_job {
  struct keeper_job keeper;
  struct cache *cache;
  bool (*work)(struct cache_job *job, struct db *db, struct fault *fault);
  void (*done)(struct cache_job *job, bool ok, const struct fault *fault); /* may be NULL */
  /* The change that work() makes to the number of published results; counted after the commit. */
  int64_t live;
};

/* Gives the keeper a job, which must live until its `done`. Any thread; does not block. */
void cache_job_give(struct cache *cache, struct cache_job *job);
/* The same, and waits until it is done. Returns its result. Any thread but the keeper's. */
bool cache_job_run(struct cache *cache, struct cache_job *job, struct fault *fault) MUST_CHECK;

/* False with a fault while a reader of another process holds a -wal that has become too large. Jobs
 * that may be left out ask first. Keeper's thread. */
bool cache_has_room(struct cache *cache, struct db *db, struct fault *fault) MUST_CHECK;
