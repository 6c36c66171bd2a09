/* The hot tier, for the room's other files; cache/hot.h has the functions for other rooms. */
#pragma once

#include "cache/heap.h"
#include "cache/hot.h"

#include <pthread.h>
#include <stdatomic.h>

#define HASH_NONFATAL_OOM 1
/* A part of a digest, or the low bits of an id, is hash enough. */
#define HASH_FUNCTION(key, length, hash)         \
  do {                                           \
    uint32_t hash_part;                          \
    memcpy(&hash_part, (key), sizeof hash_part); \
    (hash) = hash_part;                          \
  } while (0)
#include <uthash.h>

#define TIER_SHARDS 64
/* No result takes more than this part of cache.memory, nor do those that are being filled. */
#define TIER_LARGEST 8

struct cache_hot {
  atomic_int references;
  atomic_llong hits; /* since it became hot; halved as it ages */
  _Atomic(struct cache_extra *) extra;
  struct cache_entry entry;
  int64_t id, source; /* of the stored result; of its source, as hold_source() has it */
  /* under the tier's lock */
  int64_t bytes;     /* that count towards cache.memory */
  int64_t seen_hits; /* that its rank counts */
  struct heap_item item;
  struct cache_hot *next_gone; /* while room is made */
  UT_hash_handle hh, hh_id;    /* in the map of its shard; in that of ids */
  char body[];
};

/* A part of the keys, with a lock of its own: a hit takes no other. */
struct tier_shard {
  _Alignas(64) pthread_mutex_t lock;
  struct cache_hot *map; /* by key */
  uint64_t epoch;        /* changes when a result of the shard may have become invisible */
};

struct tier {
  struct tier_shard shards[TIER_SHARDS];
  _Atomic int64_t most;  /* cache.memory, bytes */
  pthread_mutex_t lock;  /* of all below; a shard's may be taken under it */
  struct cache_hot *ids; /* by the id of the stored result */
  struct heap heap;
  double inflation; /* the rank of what was displaced last, or more */
  int64_t count;
  int64_t used, filling; /* bytes: of hot results; of those that are being filled */
};

/* `tier` is all zeros. */
void tier_open(struct tier *tier);
/* No reference may be left but its own. */
void tier_close(struct tier *tier);
/* Sets cache.memory; what is too much goes. */
void tier_set_most(struct tier *tier, int64_t most);

/* A reference to the result with this key; NULL: there is none. Takes the shard's lock alone. */
struct cache_hot *tier_find(struct tier *tier, const struct digest *key);

/* Begins to take in `hot`, which counts for hot->bytes and is worth what its entry says. False: it is
 * refused. If true, tier_take_in() or tier_withdraw() follows. */
bool tier_admit(struct tier *tier, const struct cache_entry *entry, int64_t bytes) MUST_CHECK;
void tier_withdraw(struct tier *tier, int64_t bytes);
/* Takes `hot` in, with a reference of the tier's own, and displaces others. False: it is refused after
 * all, or the epoch is another one by now. */
bool tier_take_in(struct tier *tier, struct cache_hot *hot, uint64_t epoch) MUST_CHECK;
/* See cache_hot_grow(). */
bool tier_grow(struct tier *tier, struct cache_hot *hot, int64_t bytes) MUST_CHECK;

/* The epoch of a key, to be read before the stored result is looked for: a result is filled only if
 * the epoch is still the same at the end. */
uint64_t tier_epoch(struct tier *tier, const struct digest *key);

/* To be called when results have become invisible, before anybody is told so. Any thread; nothing
 * blocks. */
void tier_drop_key(struct tier *tier, const struct digest *key);
/* What was derived from results of this subject. */
void tier_drop_copies(struct tier *tier, const struct digest *subject);
void tier_drop_id(struct tier *tier, int64_t id);
void tier_drop_all(struct tier *tier);
