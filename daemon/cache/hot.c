#include "cache/room.h"

#include "base/scope.h"

#include <stdlib.h>

/* What a hot result takes beside its body: its entry, its places in maps, and the heads of replies
 * that are kept with it (serve/ready.c). */
#define BESIDE ((int64_t)(sizeof(struct cache_hot) + 3 * 1024))

struct cache_fill {
  struct cache_hot *hot; /* nobody else reads its body yet */
  size_t filled;         /* bytes of the body */
  bool is_broken;        /* it got more of them: the file was damaged meanwhile */
};

/* -- References -- */

struct cache_hot *cache_hot_hold(struct cache_hot *hot) {
  atomic_fetch_add_explicit(&hot->references, 1, memory_order_relaxed);
  return hot;
}

void hot_free(struct cache_hot *hot) {
  struct cache_extra *extra = atomic_load(&hot->extra);
  if (extra)
    extra->release(extra);
  int64_t beside = hot->bytes - (int64_t)block_takes((size_t)hot->entry.body_length);
  gaps_note(&hot->tier->gaps, beside + (int64_t)block_takes_of_heap(&hot->body));
  block_free(&hot->body);
  free(hot);
}

void cache_hot_release(struct cache_hot **address) {
  struct cache_hot *hot = steal(*address);
  if (!hot || atomic_fetch_sub(&hot->references, 1) > 1)
    return;
  tier_forget(hot->tier, hot);
}

struct cache_hot *cache_hot_find(struct cache *cache, const struct digest *key) {
  return tier_find(&cache->tier, key);
}

const struct cache_entry *cache_hot_entry(const struct cache_hot *hot) {
  return &hot->entry;
}

struct view cache_hot_body(const struct cache_hot *hot) {
  return (struct view){hot->body.at, (size_t)hot->entry.body_length};
}

void cache_hot_count_hit(struct cache *cache, struct cache_hot *hot) {
  atomic_fetch_add(&hot->hits, 1); /* before the mark is looked at: see take_hits() in tier.c */
  if (!atomic_load(&hot->is_listed) && !atomic_exchange(&hot->is_listed, true) &&
      !hits_list(cache, hot->id))
    atomic_store(&hot->is_listed, false);
  hits_note(cache);
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

/* NULL: it is too large, or there is no memory. */
static struct cache_hot *make(const struct cache_hold *hold) {
  struct tier *tier = &hold_cache(hold)->tier;
  const struct cache_entry *entry = cache_hold_entry(hold);
  int64_t bytes = BESIDE + (int64_t)block_takes((size_t)entry->body_length);
  struct cache_hot *hot = bytes <= tier_largest(tier) ? calloc(1, sizeof *hot) : NULL;
  if (!hot)
    return NULL;
  atomic_init(&hot->references, 1);
  hot->tier = tier;
  hot->entry = *entry;
  hot->id = hold_id(hold);
  hot->source = hold_source(hold);
  hot->bytes = bytes;
  return hot;
}

void cache_fill_add(struct cache_fill *fill, struct view bytes) {
  if (bytes.length > (size_t)fill->hot->entry.body_length - fill->filled) {
    fill->is_broken = true;
    return;
  }
  if (bytes.length)
    memcpy((char *)fill->hot->body.at + fill->filled, bytes.at, bytes.length);
  fill->filled += bytes.length;
}

/* Ends the filling; returns the hot result. */
static struct cache_hot *end(struct cache_fill **address, bool is_complete) {
  struct cache_fill *fill = steal(*address);
  struct cache_hot *hot = fill->hot;
  tier_end(hot->tier, hot, is_complete);
  free(fill);
  return hot;
}

void cache_fill_abandon(struct cache_fill **address) {
  struct cache_hot *hot = *address ? end(address, false) : NULL;
  cache_hot_release(&hot);
}

struct cache_fill *cache_fill_begin(struct cache_hold *hold) {
  struct cache_hot *hot = hold_is_hot(hold) ? NULL : make(hold);
  struct cache_fill *fill = hot ? calloc(1, sizeof *fill) : NULL;
  if (!fill || !tier_admit(hot->tier, hot, hold_epoch(hold))) {
    free(fill);
    free(hot);
    return NULL;
  }
  fill->hot = hot;
  hot->body = block_make((size_t)hot->entry.body_length);
  if (!hot->body.at)
    cache_fill_abandon(&fill);
  return fill;
}

struct cache_hot *cache_fill_end(struct cache_fill **address) {
  const struct cache_fill *fill = *address;
  if (!fill->is_broken && fill->filled == (size_t)fill->hot->entry.body_length)
    return end(address, true);
  cache_fill_abandon(address);
  return NULL;
}

struct cache_totals cache_hot_totals(struct cache *cache) {
  struct tier *tier = &cache->tier;
  pthread_mutex_lock(&tier->lock);
  struct cache_totals totals = {.entries = (int64_t)tier->heap.count, .bytes = tier->used};
  pthread_mutex_unlock(&tier->lock);
  return totals;
}
