#define HASH_NONFATAL_OOM 1
#include "cache/room.h"

#include "base/clock.h"

#include <stdlib.h>
#include <uthash.h>

#define HITS_PERIOD \
  (10 * CLOCK_SECOND)    /* between two batches, unless hits are to be written soon */
#define HITS_LOOK_AT 256 /* after so many hits a thread looks whether one is due */
/* Results that are counted in a shard: at so many, a batch is due at once. Those that are listed have a
 * bound already, as they are in memory. */
#define COUNTED_MOST 4096

struct hit {
  int64_t id;
  int64_t count;
  struct amount saved[CURRENCIES];
  UT_hash_handle hh;
};

static void forget(struct hit **map) {
  struct hit *hit, *next;
  HASH_ITER(hh, *map, hit, next) {
    HASH_DEL(*map, hit);
    free(hit);
  }
}

static struct hit *make(struct hit **map, int64_t id) {
  struct hit *hit = calloc(1, sizeof *hit);
  if (!hit)
    return NULL;
  hit->id = id;
  for (int i = 0; i < CURRENCIES; i++)
    hit->saved[i] = amount_zero((enum currency)i);
  HASH_ADD(hh, *map, id, sizeof hit->id, hit);
  if (hit->hh.tbl)
    return hit;
  free(hit);
  return NULL;
}

/* NULL: no memory. */
static struct hit *find_or_make(struct hit **map, int64_t id) {
  struct hit *hit;
  HASH_FIND(hh, *map, &id, sizeof id, hit);
  return hit ? hit : make(map, id);
}

static void sum(struct hit *hit, int64_t count, struct amount saved) {
  struct amount *all = &hit->saved[saved.currency];
  hit->count += count;
  *all = amount_add(*all, saved);
}

/* For lack of memory hits are not counted, perhaps all of a hot result since the last batch: their
 * result is only evicted a little earlier. */
static void add(struct hit **map, int64_t id, int64_t count, struct amount saved) {
  struct hit *hit = find_or_make(map, id);
  if (hit)
    sum(hit, count, saved);
}

/* Moves the hits on what both have into `to`; needs no memory. */
static void unite(struct hit **to, struct hit **from) {
  struct hit *hit, *next, *same;
  HASH_ITER(hh, *from, hit, next) {
    HASH_FIND_BYHASHVALUE(hh, *to, &hit->id, sizeof hit->id, hit->hh.hashv, same);
    if (!same)
      continue;
    same->count += hit->count;
    for (int i = 0; i < CURRENCIES; i++)
      same->saved[i] = amount_add(same->saved[i], hit->saved[i]);
    HASH_DEL(*from, hit);
    free(hit);
  }
}

static struct hit *take(struct hits_shard *shard) {
  pthread_mutex_lock(&shard->lock);
  struct hit *taken = shard->map;
  shard->map = NULL;
  shard->counted = 0;
  atomic_store(&shard->noted, 0);
  pthread_mutex_unlock(&shard->lock);
  return taken;
}

/* Adds what is counted with the hot results of a map. Their sources may come to it at its end. */
static void collect(struct tier *tier, struct hit **map) {
  for (struct hit *hit = *map; hit; hit = hit->hh.next) {
    struct tier_hits hits = tier_take_hits(tier, hit->id);
    if (!hits.count)
      continue;
    sum(hit, hits.count, hits.saved);
    if (hits.source)
      add(map, hits.source, hits.count, hits.saved);
  }
}

/* What several threads have counted of one result is written as one. */
static void take_all(struct hits_job *job, struct cache *cache) {
  for (int i = 0; i < SHARDS; i++)
    job->taken[i] = take(&cache->hits.shards[i]);
  for (int i = 0; i < SHARDS; i++)
    collect(&cache->tier, &job->taken[i]);
  for (int to = 0; to < SHARDS; to++)
    for (int from = to + 1; from < SHARDS; from++)
      unite(&job->taken[to], &job->taken[from]);
}

/* One without hits was listed, and its hot result was dropped since: its hits were kept then, or are
 * when its last reader ends. */
static bool write_map(struct cache *cache, const struct hit *map, struct db *db,
                      struct fault *fault) {
  for (const struct hit *hit = map; hit; hit = hit->hh.next)
    if (hit->count &&
        !db_do(db, CACHE_SQL_ADD_HITS,
               DB_VALUES(DB_INT(hit->id), DB_INT(hit->count),
                         DB_INT(hit->saved[CURRENCY_ROWS].parts),
                         DB_INT(hit->saved[CURRENCY_UNITS].parts), DB_INT(cache->sweep.inflation)),
               fault))
      return false;
  return true;
}

static bool write_hits(struct cache_job *base, struct db *db, struct fault *fault) {
  struct hits_job *job = (struct hits_job *)base;
  struct hits *hits = &base->cache->hits;
  take_all(job, base->cache);
  atomic_store(&hits->next, clock_monotonic() + HITS_PERIOD);
  bool ok = cache_has_room(base->cache, db, fault);
  for (int i = 0; ok && i < SHARDS; i++)
    ok = write_map(base->cache, job->taken[i], db, fault);
  return ok;
}

/* Hits that cannot be written are lost: they must not pile up while the disk is full. */
static void written(struct cache_job *base, bool ok, const struct fault *fault) {
  struct hits_job *job = (struct hits_job *)base;
  (void)ok, (void)fault;
  for (int i = 0; i < SHARDS; i++)
    forget(&job->taken[i]);
}

/* Gaps are looked for here, as what is hit displaces what is not. What a purge leaves stays until there
 * are hits again. */
static void own_written(struct cache_job *base, bool ok, const struct fault *fault) {
  written(base, ok, fault);
  int64_t now = clock_monotonic();
  if (tier_has_gaps(&base->cache->tier, now))
    gaps_trim(&base->cache->tier.gaps, now);
  atomic_store(&base->cache->hits.given, false);
}

void hits_open(struct hits *hits) {
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_init(&hits->shards[i].lock, NULL);
  hits->own.job.work = write_hits;
  hits->own.job.done = own_written;
}

void hits_close(struct hits *hits) {
  for (int i = 0; i < SHARDS; i++) {
    forget(&hits->shards[i].map);
    pthread_mutex_destroy(&hits->shards[i].lock);
  }
}

static void give(struct cache *cache) {
  struct hits *hits = &cache->hits;
  if (!atomic_load(&hits->given) && !atomic_exchange(&hits->given, true))
    cache_job_give(cache, &hits->own.job);
}

static struct hits_shard *lock_shard(struct hits *hits) {
  struct hits_shard *shard = &hits->shards[shard_of_thread()];
  pthread_mutex_lock(&shard->lock);
  return shard;
}

/* Makes a batch due if the shard has as many results as it may. */
void hits_keep(struct hits *hits, int64_t id, int64_t count, struct amount saved) {
  struct hits_shard *shard = lock_shard(hits);
  unsigned before = HASH_COUNT(shard->map);
  add(&shard->map, id, count, saved);
  shard->counted += HASH_COUNT(shard->map) - before;
  if (shard->counted >= COUNTED_MOST)
    atomic_store(&hits->next, 0);
  pthread_mutex_unlock(&shard->lock);
}

static bool is_due(struct cache *cache) {
  int64_t now = clock_monotonic();
  return now >= atomic_load(&cache->hits.next) || tier_has_gaps(&cache->tier, now);
}

void hits_note(struct cache *cache) {
  struct hits_shard *shard = &cache->hits.shards[shard_of_thread()];
  int64_t noted = atomic_fetch_add_explicit(&shard->noted, 1, memory_order_relaxed) + 1;
  if (noted % HITS_LOOK_AT == 0 && is_due(cache))
    give(cache);
}

void hits_count(struct cache *cache, int64_t id, struct amount saved) {
  hits_keep(&cache->hits, id, 1, saved);
  hits_note(cache);
}

bool hits_list(struct cache *cache, int64_t id) {
  struct hits_shard *shard = lock_shard(&cache->hits);
  bool ok = find_or_make(&shard->map, id);
  pthread_mutex_unlock(&shard->lock);
  return ok;
}

static bool has_any(struct hits *hits) {
  bool any = false;
  for (int i = 0; i < SHARDS && !any; i++)
    any = atomic_load(&hits->shards[i].noted) > 0;
  return any;
}

void hits_flush(struct cache *cache) {
  if (has_any(&cache->hits))
    give(cache);
}

bool hits_write(struct cache *cache, struct fault *fault) {
  struct hits_job job = {.job = {.work = write_hits, .done = written}};
  return cache_job_run(cache, &job.job, fault);
}
