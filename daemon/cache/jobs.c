#include "cache/jobs.h"

#include "cache/room.h"

/* A -wal that a reader of another process holds grows with every chunk, eviction and batch of hits;
 * in the end it would fill the disk and stop the ledger. So none of these is written once the -wal
 * is as large as the cache may be. Purges and the ends of writers still are. */
bool cache_has_room(struct cache *cache, struct db *db, struct fault *fault) {
  if (!db_is_held(db))
    return true;
  int64_t most = atomic_load(&cache->max_size), wal = db_sizes(cache->disk.path).wal;
  if (most < WAL_MOST_AT_LEAST)
    most = WAL_MOST_AT_LEAST;
  return wal < most || fault_set(fault, FAULT_UNAVAILABLE,
                                 "%s-wal has %lld bytes, because another process reads an old "
                                 "state of it: nothing is stored until that ends",
                                 cache->disk.path, (long long)wal);
}

static bool job_work(struct keeper_job *keeper_job, struct db *db, struct fault *fault) {
  struct cache_job *job = (struct cache_job *)keeper_job;
  job->live = 0;
  if (!cache_is_usable(job->cache, fault))
    return false;
  bool ok = job->work(job, db, fault);
  if (!ok)
    cache_note_failure(job->cache, db);
  return ok;
}

static void job_done(struct keeper_job *keeper_job, bool ok, const struct fault *fault) {
  struct cache_job *job = (struct cache_job *)keeper_job;
  if (ok)
    atomic_fetch_add(&job->cache->live, job->live);
  if (job->done)
    job->done(job, ok, fault);
}

static void prepare_job(struct cache *cache, struct cache_job *job) {
  job->cache = cache;
  job->keeper.work = job_work;
  job->keeper.done = job_done;
}

void cache_job_give(struct cache *cache, struct cache_job *job) {
  prepare_job(cache, job);
  keeper_give(cache->keeper, &job->keeper);
}

bool cache_job_run(struct cache *cache, struct cache_job *job, struct fault *fault) {
  prepare_job(cache, job);
  return keeper_run(cache->keeper, &job->keeper, fault);
}
