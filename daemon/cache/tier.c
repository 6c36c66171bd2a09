/* Locks: the tier's, and one for each part of the keys, which alone is taken for a hit. */
#include "cache/tier.h"

#include "cache/hits.h"

#include <stddef.h>

static struct tier_shard *shard_of(struct tier *tier, const struct digest *key) {
  return &tier->shards[key->bytes[DIGEST_SIZE - 1] % TIER_SHARDS];
}

void tier_open(struct tier *tier, struct hits *hits) {
  tier->hits = hits;
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
  if (hot && !hot->is_ready)
    hot = NULL;
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

int64_t tier_largest(const struct tier *tier) {
  return atomic_load(&tier->most) / TIER_LARGEST;
}

/* --- worth: under the tier's lock --- */

/* So many of the hits since the last look count: beyond them it matters when the last one was. */
#define HITS_MOST 2

/* A hit in memory saves work, too, and mostly the same for each result, whatever it costs. It counts
 * like so many parts of the cost: 10 rows, or 100 units. */
#define WORK 100

/* What a hit in memory saves by the byte. */
static double density(const struct cache_hot *hot) {
  return ((double)hot->entry.cost.parts + WORK) / (double)hot->bytes;
}

/* A hot result ranks as if it had been hit so many times more. Where more is asked for in turn than
 * there is memory, a part of it stays, then, and is hit; if each displaced another, none would be
 * there when it is asked for again. What nobody asks for any more is overtaken as the others age. */
#define HEAD_START 2

static double rank_of(const struct tier *tier, const struct cache_hot *hot, int64_t hits) {
  int64_t counted = hits < HITS_MOST ? hits : HITS_MOST;
  return tier->inflation + density(hot) * (double)(counted + 1 + HEAD_START);
}

/* What one that is not hot yet offers for a place: the hit for which it is read. */
static double bid_of(const struct tier *tier, const struct cache_hot *hot) {
  return tier->inflation + density(hot);
}

static double greater(double a, double b) {
  return a > b ? a : b;
}

static struct cache_hot *hot_of(struct heap_item *item) {
  return item ? (struct cache_hot *)((char *)item - offsetof(struct cache_hot, item)) : NULL;
}

/* Hits do not touch the heap: ranks are corrected as they come to the top, by the hits since they
 * were corrected last. So what was asked for often once goes in the end. */
static bool refresh(struct tier *tier, struct cache_hot *hot) {
  int64_t hits = atomic_load_explicit(&hot->hits, memory_order_relaxed) +
                 atomic_load_explicit(&hot->uses, memory_order_relaxed);
  int64_t since = hits - hot->seen_hits;
  if (!since)
    return false;
  heap_change(&tier->heap, &hot->item, greater(hot->item.rank, rank_of(tier, hot, since)));
  hot->seen_hits = hits;
  return true;
}

static struct cache_hot *least(struct tier *tier) {
  struct cache_hot *hot;
  do
    hot = hot_of(heap_least(&tier->heap));
  while (hot && refresh(tier, hot));
  return hot;
}

/* --- the hits that were not taken yet: under the tier's lock --- */

/* First the mark, then the number: a hit that still saw the mark has raised the number before. */
static struct tier_hits take_hits(struct cache_hot *hot) {
  atomic_store(&hot->is_listed, false);
  int64_t hits = atomic_load(&hot->hits), since = hits - hot->taken_hits;
  hot->taken_hits = hits;
  return (struct tier_hits){.count = since,
                            .saved = amount_times(hot->entry.cost, since),
                            .source = hot->entry.is_derived ? hot->source : 0};
}

struct tier_hits tier_take_hits(struct tier *tier, int64_t id) {
  struct cache_hot *hot;
  pthread_mutex_lock(&tier->lock);
  HASH_FIND(hh_id, tier->ids, &id, sizeof id, hot);
  struct tier_hits hits = hot ? take_hits(hot) : (struct tier_hits){0};
  pthread_mutex_unlock(&tier->lock);
  return hits;
}

/* Of one that nobody takes hits of any more. */
static void keep_hits(struct tier *tier, struct cache_hot *hot) {
  struct tier_hits hits = take_hits(hot);
  if (!hits.count)
    return;
  hits_keep(tier->hits, hot->id, hits.count, hits.saved);
  if (hits.source)
    hits_keep(tier->hits, hits.source, hits.count, hits.saved);
}

/* --- leaving: under the tier's lock --- */

/* To free a body may take the lock of all of the process's mappings: not under the tier's lock. */
static void unlock(struct tier *tier) {
  struct cache_hot *hot, *gone = tier->gone;
  tier->gone = NULL;
  pthread_mutex_unlock(&tier->lock);
  while ((hot = gone)) {
    gone = hot->next_gone;
    hot_free(hot);
  }
}

/* It has no reference any more. */
static void forget(struct tier *tier, struct cache_hot *hot) {
  keep_hits(tier, hot);
  tier->used -= hot->bytes;
  hot->next_gone = tier->gone;
  tier->gone = hot;
}

/* Nobody finds it any more. */
static void take_out(struct tier *tier, struct cache_hot *hot) {
  struct tier_shard *shard = shard_of(tier, &hot->entry.key);
  pthread_mutex_lock(&shard->lock);
  HASH_DELETE(hh, shard->map, hot);
  pthread_mutex_unlock(&shard->lock);
  HASH_DELETE(hh_id, tier->ids, hot);
  heap_remove(&tier->heap, &hot->item);
  hot->is_known = false;
}

/* Gives up the tier's own reference, too. Its readers may take their time, so the hits of before are
 * kept now. */
static void drop(struct tier *tier, struct cache_hot *hot) {
  if (!hot)
    return;
  take_out(tier, hot);
  keep_hits(tier, hot);
  if (atomic_fetch_sub(&hot->references, 1) == 1)
    forget(tier, hot);
}

void tier_forget(struct tier *tier, struct cache_hot *hot) {
  pthread_mutex_lock(&tier->lock);
  forget(tier, hot);
  unlock(tier);
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

/* The maps change under the tier's lock only, so to look into them it is enough. */
static struct cache_hot *known(struct tier *tier, const struct digest *key) {
  struct cache_hot *hot;
  HASH_FIND(hh, shard_of(tier, key)->map, key, sizeof *key, hot);
  return hot;
}

void tier_drop_key(struct tier *tier, const struct digest *key) {
  pthread_mutex_lock(&tier->lock);
  begin_epoch(shard_of(tier, key));
  drop(tier, known(tier, key));
  unlock(tier);
}

void tier_drop_id(struct tier *tier, int64_t id) {
  struct cache_hot *hot;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_FIND(hh_id, tier->ids, &id, sizeof id, hot);
  drop(tier, hot);
  unlock(tier);
}

void tier_drop_copies(struct tier *tier, const struct digest *subject) {
  struct cache_hot *hot, *next;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_ITER(hh_id, tier->ids, hot, next) {
    if (hot->entry.is_derived && digest_equal(&hot->entry.subject, subject))
      drop(tier, hot);
  }
  unlock(tier);
}

void tier_drop_all(struct tier *tier) {
  struct cache_hot *hot, *next;
  pthread_mutex_lock(&tier->lock);
  begin_epochs(tier);
  HASH_ITER(hh_id, tier->ids, hot, next) {
    drop(tier, hot);
  }
  unlock(tier);
}

/* --- making room: under the tier's lock --- */

static int64_t excess(const struct tier *tier, int64_t bytes) {
  return tier->used + bytes - atomic_load(&tier->most);
}

/* What wants a place where there is none makes the others age, whether it gets one or not: when as
 * much was asked for as the memory holds, by the worth of one hit. */
static void age(struct tier *tier, const struct cache_hot *wanted) {
  double most = (double)atomic_load(&tier->most);
  if (most > 0 && excess(tier, wanted->bytes) > 0)
    tier->inflation += density(wanted) * (double)wanted->bytes / most;
}

/* The bytes that are free as soon as it is displaced: none while somebody reads it. */
static int64_t bytes_alone(struct cache_hot *hot) {
  return atomic_load(&hot->references) > 1 ? 0 : hot->bytes;
}

/* Displaces what has a lesser rank than `rank`, until there is room for `bytes`. False: there is not
 * enough of that, and nothing is displaced; or somebody has just begun to read it. */
static bool make_room(struct tier *tier, int64_t bytes, double rank) {
  struct cache_hot *gone = NULL, *hot;
  int64_t over = excess(tier, bytes);
  while (over > 0 && (hot = least(tier)) && hot->item.rank < rank) {
    heap_remove(&tier->heap, &hot->item);
    over -= bytes_alone(hot);
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
  return excess(tier, bytes) <= 0;
}

static void shrink(struct tier *tier) {
  struct cache_hot *hot;
  while (excess(tier, 0) > 0 && (hot = least(tier)))
    drop(tier, hot);
}

void tier_set_most(struct tier *tier, int64_t most) {
  pthread_mutex_lock(&tier->lock);
  atomic_store(&tier->most, most);
  shrink(tier);
  unlock(tier);
}

/* With a large memory a trim takes longer, and more comes and goes. */
#define GAPS_LEAST ((int64_t)4 * 1024 * 1024)
#define GAPS_PART 16 /* of cache.memory, if that is more */

bool tier_has_gaps(const struct tier *tier, int64_t now) {
  int64_t part = atomic_load(&tier->most) / GAPS_PART;
  return gaps_are_due(&tier->gaps, part > GAPS_LEAST ? part : GAPS_LEAST, now);
}

/* --- taking in: under the tier's lock --- */

/* It takes as long as a client likes. Together such fillings have a bound, so that a slow client does
 * not keep short results out. */
static bool is_slow(const struct cache_hot *hot) {
  return hot->entry.body_length > CACHE_HOT_AT_ONCE;
}

/* The stored result may have become invisible since it was looked for. */
static bool is_old(struct tier *tier, const struct cache_hot *hot, uint64_t epoch) {
  return tier_epoch(tier, &hot->entry.key) != epoch;
}

/* False: there is no memory. */
static bool put_in_shard(struct tier *tier, struct cache_hot *hot) {
  struct tier_shard *shard = shard_of(tier, &hot->entry.key);
  pthread_mutex_lock(&shard->lock);
  HASH_ADD(hh, shard->map, entry.key, sizeof hot->entry.key, hot);
  pthread_mutex_unlock(&shard->lock);
  return hot->hh.tbl;
}

static bool put_in_maps(struct tier *tier, struct cache_hot *hot) {
  HASH_ADD(hh_id, tier->ids, id, sizeof hot->id, hot);
  if (!hot->hh_id.tbl)
    return false;
  hot->is_known = put_in_shard(tier, hot);
  if (!hot->is_known)
    HASH_DELETE(hh_id, tier->ids, hot);
  return hot->is_known;
}

/* That there is a place for it, if it is worth that. */
static bool may_come(struct tier *tier, const struct cache_hot *hot, uint64_t epoch) {
  int64_t left = tier_largest(tier) - (is_slow(hot) ? tier->filling : 0);
  return hot->bytes <= left && !is_old(tier, hot, epoch) && !known(tier, &hot->entry.key);
}

static bool admit(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  if (!may_come(tier, hot, epoch))
    return false;
  age(tier, hot);
  if (!make_room(tier, hot->bytes, bid_of(tier, hot)))
    return false;
  if (!put_in_maps(tier, hot))
    return false;
  cache_hot_hold(hot);
  tier->used += hot->bytes;
  tier->filling += is_slow(hot) ? hot->bytes : 0;
  return true;
}

bool tier_admit(struct tier *tier, struct cache_hot *hot, uint64_t epoch) {
  pthread_mutex_lock(&tier->lock);
  bool ok = admit(tier, hot, epoch);
  unlock(tier);
  return ok;
}

/* The memory may have become smaller while it was filled. */
static bool become_ready(struct tier *tier, struct cache_hot *hot) {
  struct tier_shard *shard = shard_of(tier, &hot->entry.key);
  hot->item.rank = rank_of(tier, hot, 0);
  if (!heap_add(&tier->heap, &hot->item))
    return false;
  pthread_mutex_lock(&shard->lock);
  hot->is_ready = true;
  pthread_mutex_unlock(&shard->lock);
  shrink(tier);
  return true;
}

void tier_end(struct tier *tier, struct cache_hot *hot, bool is_complete) {
  pthread_mutex_lock(&tier->lock);
  if (is_slow(hot))
    tier->filling -= hot->bytes;
  if (hot->is_known && !(is_complete && become_ready(tier, hot)))
    drop(tier, hot);
  unlock(tier);
}

/* The others make room, if they are worth less. */
bool tier_grow(struct tier *tier, struct cache_hot *hot, int64_t bytes) {
  pthread_mutex_lock(&tier->lock);
  bool grows = hot->item.place && hot->bytes + bytes <= tier_largest(tier);
  if (grows) { /* it is no victim of its own growth: ranks only rise */
    (void)refresh(tier, hot);
    grows = make_room(tier, bytes, hot->item.rank);
  }
  if (grows) {
    hot->bytes += bytes;
    tier->used += bytes;
  }
  unlock(tier);
  return grows;
}
