#include "cache/room.h"

#include "base/scope.h"

/* The keeper waits this long for a lock that another process holds on cache.db. Answers wait with
 * it, as they are published before they are settled. One that cannot be stored in time is passed on
 * unstored. */
#define PATIENCE_MS 50
/* A -wal is as long at times without a reader that holds it: what is kept, and a batch of chunks. */
#define WAL_LARGE (DB_WAL_KEPT + KEEPER_BATCH * (int64_t)CACHE_CHUNK_SIZE)

static bool start(struct cache *cache, const char *directory, struct fault *fault) {
  struct db *db = NULL;
  if (!disk_open(&cache->disk, directory, &db, fault))
    return false;
  atomic_init(&cache->last_id, cache->disk.last_id);
  atomic_init(&cache->live, cache->disk.live);
  pool_open(&cache->pool, cache->disk.path);
  pins_open(&cache->pins);
  hits_open(&cache->hits);
  sweep_open(&cache->sweep, cache->disk.rank);
  db_set_patience(db, PATIENCE_MS);
  bool packing = packers_open(&cache->packers, fault);
  if (packing && keeper_start(&cache->keeper, "cache", THREAD_BATCH, &db, fault))
    return true;
  if (packing)
    packers_close(&cache->packers);
  db_close(&db);
  sweep_close(&cache->sweep);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  pool_close(&cache->pool);
  return false;
}

static void set_bounds(struct cache *cache, const struct cache_bounds *bounds) {
  atomic_store(&cache->max_size, bounds->max_size);
  atomic_store(&cache->ttl, bounds->ttl);
  tier_set_most(&cache->tier, bounds->memory);
}

bool cache_open(const char *directory, const struct cache_bounds *bounds, struct cache **out,
                struct fault *fault) {
  struct cache *cache = shard_alloc(sizeof *cache);
  if (!cache)
    return fault_no_memory(fault);
  tier_open(&cache->tier, &cache->hits);
  set_bounds(cache, bounds);
  if (!start(cache, directory, fault)) {
    tier_close(&cache->tier);
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
  /* The connection that closes last moves the -wal into the file, so it must be the keeper's, which
   * may write. */
  pool_close(&cache->pool);
  keeper_stop(&cache->keeper);
  if (!atomic_load(&cache->unusable))
    disk_mark_clean(&cache->disk);
  packers_close(&cache->packers);
  sweep_close(&cache->sweep);
  tier_close(&cache->tier);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  disk_close(&cache->disk);
  free(cache);
}

void cache_set_bounds(struct cache *cache, const struct cache_bounds *bounds) {
  set_bounds(cache, bounds);
  sweep_wake(cache);
}

struct cache_totals cache_totals(struct cache *cache) {
  struct db_sizes sizes = db_sizes(cache->disk.path);
  /* A -wal of the ordinary size is not counted. With a large one, `used` and the -wal would count
   * the same pages twice. */
  int64_t bytes = sizes.wal > WAL_LARGE ? sizes.file + sizes.wal : atomic_load(&cache->used);
  return (struct cache_totals){atomic_load(&cache->live), bytes};
}
