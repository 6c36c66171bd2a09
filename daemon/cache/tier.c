/* Locks: the tier's, and one for each part of the keys, which alone is taken for a hit. */
#include "cache/tier.h"

#include <math.h>
#include <stddef.h>

static struct tier_shard *shard_of(struct tier *tier, const struct digest *key) {
  return &tier->shards[key->bytes[DIGEST_SIZE - 1] % TIER_SHARDS];
}

void tier_open(struct tier *tier) {
  pthread_mutex_init(&tier->lock, NULL);
  for (int i = 0; i < TIER_SHARDS; i++)
    pthread_mutex_init(&tier->shards[i].lock, NULL);
}

void tier_close(struct tier *tier) {
  tier_drop_all(tier);
  heap_free(&tier->heap);
  for (int i = 0; i < TIER_SHARDS; i++)
    pthread_mutex_destroy(&tier->shards[i].lock);
  pthread_mutex_destroy(&tier->lock);
}

struct cache_hot *tier_find(struct tier *tier, const struct digest *key) {
  struct tier_shard *shard = shard_of(tier, key);
  struct cache_hot *hot;
  pthread_mutex_lock(&shard->lock);
  HASH_FIND(hh, shard->map, key, sizeof *key, hot);
  if (hot)
    cache_hot_hold(hot);
  pthread_mutex_unlock(&shard->lock);
  return hot;
}

uint64_t tier_epoch(struct tier *tier, const struct digest *key) {
  struct tier_shard *shard = shard_of(tier, key);
  pthread_mutex_lock(&shard->lock);
  uint64_t epoch = shard->epoch;
  pthread_mutex_unlock(&shard->lock);
  return epoch;
}

/* --- worth: under the tier's lock --- */

/* What a hit saves by the byte. What costs nothing is worth the smallest amount. */
static double density(const struct cache_entry *entry, int64_t bytes) {
  double cost = entry->cost.parts > 0 ? (double)entry->cost.parts : 1;
  return cost / (double)bytes;
}

static double rank_of(const struct tier *tier, const struct cache_entry *entry, int64_t bytes,
                      int64_t hits) {
  return tier->inflation + density(entry, bytes) * (double)(hits + 1);
}

static struct cache_hot *hot_of(struct heap_item *item) {
  return item ? (struct cache_hot *)((char *)item - offsetof(struct cache_hot, item)) : NULL;
}

/* Hits do not touch the heap: ranks are corrected as they come to the top. Half of the hits is
 * forgotten then, so that what was asked for often once goes in the end. */
static bool refresh(struct tier *tier, struct cache_hot *hot) {
  int64_t hits = atomic_load_explicit(&hot->hits, memory_order_relaxed);
  if (hits == hot->seen_hits)
    return false;
  heap_change(&tier->heap, &hot->item, rank_of(tier, &hot->entry, hot->bytes, hits));
  hot->seen_hits = hits / 2;
  atomic_fetch_sub_explicit(&hot->hits, hits - hits / 2, memory_order_relaxed);
  return true;
}

static struct cache_hot *least(struct tier *tier) {
  struct cache_hot *hot;
  do
    hot = hot_of(heap_least(&tier->heap));
  while (hot && refresh(tier, hot));
  return hot;
}

/* --- leaving: under the tier's lock --- */

/* Nobody finds it any more. Its reference is the caller's from now on. */
static void take_out(struct tier *tier, struct cache_hot *hot) {
  struct tier_shard *shard = shard_of(tier, &hot->entry.key);
  pthread_mutex_lock(&shard->lock);
  HASH_DELETE(hh, shard->map, hot);
  pthread_mutex_unlock(&shard->lock);
  HASH_DELETE(hh_id, tier->ids, hot);
  heap_remove(&tier->heap, &hot->item);
  tier->used -= hot->bytes;
  tier->count--;
}

static void drop(struct tier *tier, struct cache_hot *hot) {
  if (!hot)
    return;
  take_out(tier, hot);
  cache_hot_release(&hot);
}

static void begin_epoch(struct tier_shard *shard) {
  pthread_mutex_lock(&shard->lock);
  shard->epoch++;
  pthread_mutex_unlock(&shard->lock);
}

static void begin_epochs(struct tier *tier) {
  for (int i = 0; i < TIER_SHARDS; i++)
    begin_epoch(&tier->shards[i]);
}

void tier_drop_key(struct tier *tier, const struct digest *key) {
  struct tier_shard *shard = shard_of(tier, key);
  struct cache_hot *hot;
  pthread_mutex_lock(&tier->lock);
  begin_epoch(shard);
  HASH_FIND(hh, shard->map, key, sizeof *key, hot); /* it changes under the tier's lock only */
  drop(tier, hot);
  pthread_mutex_unlock(&tier->lock);
}

void tier_drop_id(struct tier *tier, int64_t id) {
  struct cache_hot *hot;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_FIND(hh_id, tier->ids, &id, sizeof id, hot);
  drop(tier, hot);
  pthread_mutex_unlock(&tier->lock);
}

void tier_drop_copies(struct tier *tier, const struct digest *subject) {
  struct cache_hot *hot, *next;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_ITER(hh_id, tier->ids, hot, next) {
    if (hot->entry.is_derived && digest_equal(&hot->entry.subject, subject))
      drop(tier, hot);
  }
  pthread_mutex_unlock(&tier->lock);
}

void tier_drop_all(struct tier *tier) {
  struct cache_hot *hot, *next;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_ITER(hh_id, tier->ids, hot, next) {
    drop(tier, hot);
  }
  pthread_mutex_unlock(&tier->lock);
}

/* --- making room: under the tier's lock --- */

static int64_t excess(const struct tier *tier, int64_t bytes) {
  return tier->used + tier->filling + bytes - atomic_load(&tier->most);
}

/* What is refused makes the others age, by as much as if it had filled its part of the memory. */
static void age(struct tier *tier, const struct cache_entry *entry, int64_t bytes) {
  int64_t most = atomic_load(&tier->most);
  if (most > 0)
    tier->inflation += density(entry, bytes) * (double)bytes / (double)most;
}

/* Displaces what has a lesser rank than `rank`, until there is room for `bytes`. False, and nothing
 * is displaced: there is not enough of that. */
static bool make_room(struct tier *tier, int64_t bytes, double rank) {
  struct cache_hot *gone = NULL, *hot;
  double inflation = tier->inflation;
  int64_t over = excess(tier, bytes);
  while (over > 0 && (hot = least(tier)) && hot->item.rank < rank) {
    heap_remove(&tier->heap, &hot->item);
    over -= hot->bytes;
    inflation = hot->item.rank;
    hot->next_gone = gone;
    gone = hot;
  }
  while ((hot = gone)) {
    gone = hot->next_gone;
    if (over <= 0)
      drop(tier, hot);
    else
      CHECK(heap_add(&tier->heap, &hot->item)); /* it had a place there */
  }
  if (over <= 0 && inflation > tier->inflation)
    tier->inflation = inflation;
  return over <= 0;
}

void tier_set_most(struct tier *tier, int64_t most) {
  pthread_mutex_lock(&tier->lock);
  atomic_store(&tier->most, most);
  (void)make_room(tier, 0, INFINITY);
  pthread_mutex_unlock(&tier->lock);
}

/* --- taking in --- */

/* True if there is room, or something of less worth could go. */
static bool is_welcome(struct tier *tier, const struct cache_entry *entry, int64_t bytes) {
  int64_t share = atomic_load(&tier->most) / TIER_LARGEST;
  if (bytes > share || tier->filling + bytes > share)
    return false;
  if (excess(tier, bytes) <= 0)
    return true;
  struct cache_hot *other = least(tier);
  if (other && other->item.rank < rank_of(tier, entry, bytes, entry->hits))
    return true;
  age(tier, entry, bytes);
  return false;
}

bool tier_admit(struct tier *tier, const struct cache_entry *entry, int64_t bytes) {
  pthread_mutex_lock(&tier->lock);
  bool welcome = is_welcome(tier, entry, bytes);
  if (welcome)
    tier->filling += bytes;
  pthread_mutex_unlock(&tier->lock);
  return welcome;
}

void tier_withdraw(struct tier *tier, int64_t bytes) {
  pthread_mutex_lock(&tier->lock);
  tier->filling -= bytes;
  pthread_mutex_unlock(&tier->lock);
}

/* Puts it into the map of its shard. False: the epoch is another one, there is one with this key
 * already, or there is no memory. */
static bool put(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  struct tier_shard *shard = shard_of(tier, &hot->entry.key);
  struct cache_hot *other;
  bool ok = false;
  pthread_mutex_lock(&shard->lock);
  HASH_FIND(hh, shard->map, &hot->entry.key, sizeof hot->entry.key, other);
  if (!other && shard->epoch == epoch) {
    HASH_ADD(hh, shard->map, entry.key, sizeof hot->entry.key, hot);
    ok = hot->hh.tbl != NULL;
  }
  pthread_mutex_unlock(&shard->lock);
  return ok;
}

/* True: it is in both maps. */
static bool put_in_maps(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  HASH_ADD(hh_id, tier->ids, id, sizeof hot->id, hot);
  if (!hot->hh_id.tbl)
    return false;
  if (put(tier, hot, epoch))
    return true;
  HASH_DELETE(hh_id, tier->ids, hot);
  return false;
}

static bool take_in(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  double rank = rank_of(tier, &hot->entry, hot->bytes, hot->entry.hits);
  if (!make_room(tier, hot->bytes, rank)) {
    age(tier, &hot->entry, hot->bytes);
    return false;
  }
  hot->item.rank = rank;
  if (!heap_add(&tier->heap, &hot->item))
    return false;
  if (!put_in_maps(tier, hot, epoch)) {
    heap_remove(&tier->heap, &hot->item);
    return false;
  }
  tier->used += hot->bytes;
  tier->count++;
  cache_hot_hold(hot);
  return true;
}

bool tier_take_in(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  pthread_mutex_lock(&tier->lock);
  tier->filling -= hot->bytes;
  bool taken = take_in(tier, hot, epoch);
  pthread_mutex_unlock(&tier->lock);
  return taken;
}

/* The others make room, if they are worth less. */
bool tier_grow(struct tier *tier, struct cache_hot *hot, int64_t bytes) {
  pthread_mutex_lock(&tier->lock);
  bool grows = hot->item.place && hot->bytes + bytes <= atomic_load(&tier->most) / TIER_LARGEST;
  if (grows) { /* it is no victim of its own growth */
    (void)refresh(tier, hot);
    grows = make_room(tier, bytes, hot->item.rank);
  }
  if (grows) {
    hot->bytes += bytes;
    tier->used += bytes;
  }
  pthread_mutex_unlock(&tier->lock);
  return grows;
}
