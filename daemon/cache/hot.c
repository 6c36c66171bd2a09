#include "cache/room.h"

#include "base/scope.h"

#include <stdlib.h>

/* What a hot result takes beside its body: its entry, its places in maps, and the heads of replies
 * that are kept with it (serve/ready.c). */
#define BESIDE ((int64_t)(sizeof(struct cache_hot) + 3 * 1024))

struct cache_fill {
  struct cache *cache;
  struct cache_hot *hot; /* not shared yet */
  uint64_t epoch;
  size_t filled; /* bytes of the body */
};

/* -- References -- */

struct cache_hot *cache_hot_hold(struct cache_hot *hot) {
  atomic_fetch_add_explicit(&hot->references, 1, memory_order_relaxed);
  return hot;
}

void cache_hot_release(struct cache_hot **address) {
  struct cache_hot *hot = steal(*address);
  if (!hot || atomic_fetch_sub(&hot->references, 1) > 1)
    return;
  struct cache_extra *extra = atomic_load(&hot->extra);
  if (extra)
    extra->release(extra);
  free(hot);
}

struct cache_hot *cache_hot_find(struct cache *cache, const struct digest *key) {
  return tier_find(&cache->tier, key);
}

const struct cache_entry *cache_hot_entry(const struct cache_hot *hot) {
  return &hot->entry;
}

struct view cache_hot_body(const struct cache_hot *hot) {
  return (struct view){hot->body, (size_t)hot->entry.body_length};
}

void cache_hot_count_hit(struct cache *cache, struct cache_hot *hot, struct amount saved) {
  atomic_fetch_add_explicit(&hot->hits, 1, memory_order_relaxed);
  hits_count(cache, hot->id, saved);
  if (hot->entry.is_derived)
    hits_count(cache, hot->source, saved);
}

struct cache_extra *cache_hot_extra(const struct cache_hot *hot) {
  return atomic_load_explicit(&hot->extra, memory_order_acquire);
}

struct cache_extra *cache_hot_set_extra(struct cache_hot *hot, struct cache_extra *extra) {
  struct cache_extra *present = NULL;
  return atomic_compare_exchange_strong(&hot->extra, &present, extra) ? extra : present;
}

bool cache_hot_grow(struct cache *cache, struct cache_hot *hot, size_t bytes) {
  return tier_grow(&cache->tier, hot, (int64_t)bytes);
}

/* -- Filling -- */

static struct cache_hot *make(const struct cache_entry *entry, int64_t bytes) {
  struct cache_hot *hot = malloc(sizeof *hot + (size_t)entry->body_length);
  if (!hot)
    return NULL;
  memset(hot, 0, sizeof *hot);
  atomic_init(&hot->references, 1);
  hot->entry = *entry;
  hot->bytes = bytes;
  return hot;
}

struct cache_fill *cache_fill_begin(struct cache_hold *hold) {
  struct cache *cache = hold_cache(hold);
  const struct cache_entry *entry = cache_hold_entry(hold);
  int64_t bytes = BESIDE + entry->body_length;
  if (hold_is_hot(hold) || !tier_admit(&cache->tier, entry, bytes))
    return NULL;
  struct cache_fill *fill = malloc(sizeof *fill);
  struct cache_hot *hot = fill ? make(entry, bytes) : NULL;
  if (!hot) {
    tier_withdraw(&cache->tier, bytes);
    free(fill);
    return NULL;
  }
  hot->id = hold_id(hold);
  hot->source = hold_source(hold);
  *fill = (struct cache_fill){.cache = cache, .hot = hot, .epoch = hold_epoch(hold)};
  return fill;
}

void cache_fill_add(struct cache_fill *fill, struct view bytes) {
  size_t length = (size_t)fill->hot->entry.body_length;
  CHECK(bytes.length <= length - fill->filled);
  if (bytes.length)
    memcpy(fill->hot->body + fill->filled, bytes.at, bytes.length);
  fill->filled += bytes.length;
}

void cache_fill_abandon(struct cache_fill **address) {
  struct cache_fill *fill = steal(*address);
  if (!fill)
    return;
  tier_withdraw(&fill->cache->tier, fill->hot->bytes);
  cache_hot_release(&fill->hot);
  free(fill);
}

struct cache_hot *cache_fill_end(struct cache_fill **address) {
  struct cache_fill *fill = *address;
  if (fill->filled != (size_t)fill->hot->entry.body_length) {
    cache_fill_abandon(address);
    return NULL;
  }
  *address = NULL;
  struct cache_hot *hot = fill->hot;
  (void)!tier_take_in(&fill->cache->tier, hot, fill->epoch);
  free(fill);
  return hot;
}

struct cache_totals cache_hot_totals(struct cache *cache) {
  struct tier *tier = &cache->tier;
  pthread_mutex_lock(&tier->lock);
  struct cache_totals totals = {.entries = tier->count, .bytes = tier->used};
  pthread_mutex_unlock(&tier->lock);
  return totals;
}
