#define HASH_NONFATAL_OOM 1
#include "cache/room.h"

#include <stdlib.h>
#include <uthash.h>

#define HITS_PENDING 256

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

/* For lack of memory a hit is not counted: its result is only evicted a little earlier. */
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

static void add(struct hit **map, int64_t id, struct amount saved) {
  struct hit *hit;
  HASH_FIND(hh, *map, &id, sizeof id, hit);
  if (!hit && !(hit = make(map, id)))
    return;
  struct amount *sum = &hit->saved[saved.currency];
  hit->count++;
  *sum = amount_add(*sum, saved);
}

static bool write_hits(struct cache_job *base, struct db *db, struct fault *fault) {
  struct hits_job *job = (struct hits_job *)base;
  struct hits *hits = &base->cache->hits;
  pthread_mutex_lock(&hits->lock);
  job->taken = hits->map;
  hits->map = NULL;
  hits->pending = 0;
  pthread_mutex_unlock(&hits->lock);
  if (!cache_has_room(base->cache, db, fault))
    return false;
  for (struct hit *hit = job->taken; hit; hit = hit->hh.next)
    if (!db_do(db, CACHE_SQL_ADD_HITS,
               DB_VALUES(
                   DB_INT(hit->id), DB_INT(hit->count), DB_INT(hit->saved[CURRENCY_ROWS].parts),
                   DB_INT(hit->saved[CURRENCY_UNITS].parts), DB_INT(base->cache->sweep.inflation)),
               fault))
      return false;
  return true;
}

/* Hits that cannot be written are lost: they must not pile up while the disk is full. */
static void written(struct cache_job *base, bool ok, const struct fault *fault) {
  (void)ok, (void)fault;
  forget(&((struct hits_job *)base)->taken);
}

static void own_written(struct cache_job *base, bool ok, const struct fault *fault) {
  struct hits *hits = &base->cache->hits;
  written(base, ok, fault);
  pthread_mutex_lock(&hits->lock);
  hits->given = false;
  pthread_mutex_unlock(&hits->lock);
}

void hits_open(struct hits *hits) {
  pthread_mutex_init(&hits->lock, NULL);
  hits->own.job.work = write_hits;
  hits->own.job.done = own_written;
}

void hits_close(struct hits *hits) {
  forget(&hits->map);
  pthread_mutex_destroy(&hits->lock);
}

static void give_if(struct cache *cache, int64_t least) {
  struct hits *hits = &cache->hits;
  pthread_mutex_lock(&hits->lock);
  bool give = !hits->given && hits->pending >= least;
  hits->given |= give;
  pthread_mutex_unlock(&hits->lock);
  if (give)
    cache_job_give(cache, &hits->own.job);
}

void hits_count(struct cache *cache, int64_t id, struct amount saved) {
  struct hits *hits = &cache->hits;
  pthread_mutex_lock(&hits->lock);
  add(&hits->map, id, saved);
  hits->pending++;
  pthread_mutex_unlock(&hits->lock);
  give_if(cache, HITS_PENDING);
}

void hits_flush(struct cache *cache) {
  give_if(cache, 1);
}

bool hits_write(struct cache *cache, struct fault *fault) {
  struct hits_job job = {.job = {.work = write_hits, .done = written}};
  return cache_job_run(cache, &job.job, fault);
}
