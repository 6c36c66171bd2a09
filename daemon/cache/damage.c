#include "cache/damage.h"

#include "cache/room.h"

#include "base/log.h"

#include <stdlib.h>

bool cache_is_usable(struct cache *cache, struct fault *fault) {
  return !atomic_load(&cache->unusable) ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "%s is damaged and not used until it is set aside at the next start",
                   cache->disk.path);
}

void cache_note_failure(struct cache *cache, struct db *db) {
  if (!db_is_damaged(db) || atomic_exchange(&cache->unusable, true))
    return;
  disk_mark_damaged(&cache->disk);
  tier_drop_all(&cache->tier);
  log_error(EVENT_cache_damaged,
            "file=%s what=\"not used any more; will be set aside at the next start\"",
            LOG_VALUE(cache->disk.path));
}

/* Condemns a result that cannot be read. */
struct kill_job {
  struct cache_job job;
  int64_t id;
};

static bool kill_work(struct cache_job *job, struct db *db, struct fault *fault) {
  const struct db_values id = DB_VALUES(DB_INT(((struct kill_job *)job)->id));
  if (!db_do(db, CACHE_SQL_CONDEMN_LIVE_ENTRY, id, fault))
    return false;
  job->live = -db_changes(db);
  return db_do(db, CACHE_SQL_CONDEMN_FILLING_ENTRY, id, fault);
}

static void kill_done(struct cache_job *job, bool ok, const struct fault *fault) {
  (void)ok, (void)fault;
  tier_drop_id(&job->cache->tier, ((struct kill_job *)job)->id);
  sweep_wake(job->cache);
  free(job);
}

void cache_kill(struct cache *cache, int64_t id) {
  struct kill_job *kill = calloc(1, sizeof *kill);
  if (!kill)
    return;
  kill->job.work = kill_work;
  kill->job.done = kill_done;
  kill->id = id;
  cache_job_give(cache, &kill->job);
}
