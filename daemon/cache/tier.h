/* The hot tier, for the room's other files; cache/hot.h has the functions for other rooms. */
#pragma once

#include "cache/block.h"
#include "cache/gaps.h"
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
/* No result takes more than this part of cache.memory, nor do those that clients fill. */
#define TIER_LARGEST 8

struct tier;

/* Its bytes count from tier_admit() until its last reference is released. Meanwhile it is known, that
 * is in the maps, and may be dropped, and once it is ready it is found. */
struct cache_hot {
  /* what a hit reads comes first: it is in few lines of the processor's cache */
  atomic_int references;
  bool is_ready;         /* its body is complete; under the lock of its shard */
  atomic_bool is_listed; /* the next batch takes its hits, if it is known */
  atomic_llong hits;     /* since it became hot: each saved what it cost */
  _Atomic(struct cache_extra *) extra;
  struct block body;
  UT_hash_handle hh; /* in the map of its shard */
  struct cache_entry entry;
  struct tier *tier;
  atomic_llong uses;  /* since it became hot: other hits, which are counted in the shards of hits */
  int64_t id, source; /* of the stored result; of its source, as hold_source() has it */
  /* under the tier's lock */
  bool is_known;      /* it is in the maps */
  int64_t bytes;      /* that count towards cache.memory */
  int64_t seen_hits;  /* and uses, when its rank was computed */
  int64_t taken_hits; /* by tier_take_hits(), or as it went */
  struct heap_item item;
  struct cache_hot *next_gone; /* while room is made, or until it is freed */
  UT_hash_handle hh_id;        /* in the map of ids */
};

/* A part of the keys, with a lock of its own: a hit takes no other. */
struct tier_shard {
  _Alignas(64) pthread_mutex_t lock;
  struct cache_hot *map; /* by key */
  uint64_t epoch;        /* changes when a result of the shard may have become invisible */
};

struct hits;

struct tier {
  struct hits *hits; /* gets what was not taken of a result that goes */
  struct gaps gaps;
  struct tier_shard shards[TIER_SHARDS];
  _Atomic int64_t most;   /* cache.memory, bytes */
  pthread_mutex_t lock;   /* of all below; a shard's may be taken under it */
  struct cache_hot *ids;  /* by the id of the stored result */
  struct heap heap;       /* of those that are ready */
  double inflation;       /* grows as results want a place that is taken */
  int64_t used;           /* bytes: of all that have references */
  int64_t filling;        /* bytes: of those that are filled as clients read them */
  struct cache_hot *gone; /* to be freed after the lock was released */
};

/* `tier` is all zeros. `hits` lasts as long as there are hot results. */
void tier_open(struct tier *tier, struct hits *hits);
/* No reference may be left but its own. */
void tier_close(struct tier *tier);
/* Sets cache.memory; what is too much goes. What somebody still reads or fills stays in memory so
 * long. */
void tier_set_most(struct tier *tier, int64_t most);

/* A reference to the result with this key; NULL: there is none. Takes the shard's lock alone. */
struct cache_hot *tier_find(struct tier *tier, const struct digest *key);

/* The most bytes that one result may take. */
int64_t tier_largest(const struct tier *tier);
/* Begins to take in `hot`, which is new and has one reference, and displaces what is worth less. From
 * now on it is dropped with its stored result, but it is not found. False: it is not worth the place,
 * there is one already, or the epoch of its key is another one by now; the caller frees it. If true,
 * tier_end() follows. */
bool tier_admit(struct tier *tier, struct cache_hot *hot, uint64_t epoch) MUST_CHECK;
/* Its body is complete, and it is found, unless it was dropped meanwhile; or it is not, and it never
 * is found. */
void tier_end(struct tier *tier, struct cache_hot *hot, bool is_complete);
/* Its last reference was released: frees it. */
void tier_forget(struct tier *tier, struct cache_hot *hot);
/* See cache_hot_grow(). */
bool tier_grow(struct tier *tier, struct cache_hot *hot, int64_t bytes) MUST_CHECK;

/* What is counted with a hot result. */
struct tier_hits {
  int64_t count;
  struct amount saved; /* by all of them */
  int64_t source;      /* the stored result for which they count, too; 0: none */
};
/* The hits on the hot result of this id that were not taken yet; count 0: there are none, or no such
 * result. Takes the tier's lock. */
struct tier_hits tier_take_hits(struct tier *tier, int64_t id);

/* True if so much has gone that gaps_trim() is worth its time. `now` is clock_monotonic(). */
bool tier_has_gaps(const struct tier *tier, int64_t now);

/* Frees a result that has no references, and what is kept with it. Under no lock of the tier. */
void hot_free(struct cache_hot *hot);

/* The epoch of a key, to be read before the stored result is looked for: a filling begins only if the
 * epoch is still the same. */
uint64_t tier_epoch(struct tier *tier, const struct digest *key);

/* To be called when results have become invisible, before anybody is told so. Any thread; nothing
 * blocks. */
void tier_drop_key(struct tier *tier, const struct digest *key);
/* What was derived from results of this subject. */
void tier_drop_copies(struct tier *tier, const struct digest *subject);
void tier_drop_id(struct tier *tier, int64_t id);
void tier_drop_all(struct tier *tier);
