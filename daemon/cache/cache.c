#include "cache/inside.h"

#include "base/log.h"
#include "base/scope.h"

/* For how long the keeper waits for a lock that another process holds on cache.db. Answers that are
 * paid for wait for it (they are published before they are settled), and it is they that matter:
 * one that cannot be stored now is handed on and not stored. */
#define PATIENCE_MS 50

/* Jobs. */

/* A -wal that a reader of another process holds grows with all that is stored, evicted and counted;
 * in the end it would take the disk, and the ledger's place with it. So nothing more of that is
 * done when it is as large as the cache may be. What was asked for, or would else be lost, is. */
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

/* Damage. */

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
  log_error("cache_damaged",
            "file=%s what=\"not used any more; will be set aside at the next start\"",
            LOG_VALUE(cache->disk.path));
}

/* The condemning of a result that cannot be read. */
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

/* Opening and closing. */

static bool start(struct cache *cache, const char *directory, struct fault *fault) {
  struct db *db = NULL;
  if (!disk_open(&cache->disk, directory, &db, fault))
    return false;
  atomic_init(&cache->last_id, cache->disk.last_id);
  atomic_init(&cache->live, cache->disk.live);
  readers_open(&cache->readers, cache->disk.path);
  pins_open(&cache->pins);
  hits_open(&cache->hits);
  sweep_open(&cache->sweep);
  db_set_patience(db, PATIENCE_MS);
  if (store_open(&cache->store, fault) && keeper_start(&cache->keeper, "cache", &db, fault))
    return true;
  db_close(&db);
  store_close(&cache->store);
  sweep_close(&cache->sweep);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  readers_close(&cache->readers);
  return false;
}

bool cache_open(const char *directory, int64_t max_size, struct cache **out, struct fault *fault) {
  struct cache *cache = calloc(1, sizeof *cache);
  if (!cache)
    return fault_no_memory(fault);
  atomic_init(&cache->max_size, max_size);
  if (!start(cache, directory, fault)) {
    disk_close(&cache->disk);
    free(cache);
    return false;
  }
  sweep_wake(cache);
  *out = cache;
  return true;
}

void cache_close(struct cache **address) {
  struct cache *cache = steal(*address);
  if (!cache)
    return;
  (void)!hits_write(cache, NULL);
  sweep_end(cache);
  /* The connection that closes last makes the -wal part of the file; the keeper's may write. */
  readers_close(&cache->readers);
  keeper_stop(&cache->keeper);
  if (!atomic_load(&cache->unusable))
    disk_mark_clean(&cache->disk);
  store_close(&cache->store);
  sweep_close(&cache->sweep);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  disk_close(&cache->disk);
  free(cache);
}

void cache_set_max_size(struct cache *cache, int64_t bytes) {
  atomic_store(&cache->max_size, bytes);
  sweep_wake(cache);
}
