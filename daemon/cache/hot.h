/* Stored results in memory: the hot tier of the cache, bounded by cache.memory.
 *
 * A hot result is the entry and the whole body of a stored result. It never changes. Counted
 * references keep it, and any number of threads may read it. As soon as the stored result becomes
 * invisible (replaced, purged, evicted, damaged), nobody finds the hot one any more; who has a
 * reference goes on reading.
 *
 *   cache_fill_begin -> cache_fill_add ... -> cache_fill_end      a hit reads the body from the disk
 *                                          -> cache_fill_abandon
 *   cache_hot_find -> cache_hot_body ... -> cache_hot_release     later hits
 *
 * What is worth the most stays: what a hit saves, in rows and in work, by the bytes that it takes,
 * and more if it was hit lately. A result that would displace what is worth more is refused, so one
 * large export displaces nothing that is asked for again and again, and where more is asked for in
 * turn than there is memory, a part of it stays. Whatever wants a place that is taken makes the
 * others age, so that what is not asked for any more goes in the end (GreedyDual-Size-Frequency, as
 * on the disk: cache/sweep.c). No result takes more than an eighth of the memory, nor do those
 * together that are filled while clients read them.
 *
 * Bytes count from cache_fill_begin() until the last reference is released: what slow clients read
 * counts, also when nobody finds it any more. So cache.memory is never exceeded, but by what was
 * in use when a reload made it smaller.
 *
 * Any thread. Nothing blocks on the disk, but for cache_hold_heat(). */
#pragma once

#include "cache/cache.h"

struct cache_hot;
struct cache_fill;

/* A body up to this length is read at once by cache_hold_heat(), in bytes. */
#define CACHE_HOT_AT_ONCE ((int64_t)256 * 1024)

/* -- Finding -- */

/* The hot result with this key: a reference, which the caller releases. NULL: there is none. */
struct cache_hot *cache_hot_find(struct cache *cache, const struct digest *key) MUST_CHECK;
/* Another reference; returns `hot`. */
struct cache_hot *cache_hot_hold(struct cache_hot *hot);
/* Leaves NULL; NULL is allowed. */
void cache_hot_release(struct cache_hot **hot);

/* As long as the reference. */
const struct cache_entry *cache_hot_entry(const struct cache_hot *hot);
struct view cache_hot_body(const struct cache_hot *hot);

/* Counts a hit that saved what the result cost, as cache_count_hit() does. Takes no lock, mostly. */
void cache_hot_count_hit(struct cache *cache, struct cache_hot *hot);

/* -- Filling -- */

/* Begins to fill a hot result with the body of a held one. The caller owns it until
 * cache_fill_end() or cache_fill_abandon(). Others make room for it now. NULL: it is too large, not
 * worth the place, hot or being filled already, invisible by now, or there is no memory. */
struct cache_fill *cache_fill_begin(struct cache_hold *hold) MUST_CHECK;
/* Adds the next bytes of the body; they come from the disk, and may be too many. */
void cache_fill_add(struct cache_fill *fill, struct view bytes);
/* The body is complete. Ends the filling, and leaves NULL. The hot result is found from now on,
 * unless the stored one has become invisible meanwhile. Returns a reference to it, also if it is
 * not found; NULL: there were fewer bytes, or more, than the entry says. */
struct cache_hot *cache_fill_end(struct cache_fill **fill) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void cache_fill_abandon(struct cache_fill **fill);

/* The hot result of a hold, as long as the hold. If there is none yet, and the body is no longer
 * than CACHE_HOT_AT_ONCE, fills it from the disk, on which it blocks. NULL: there is none. */
struct cache_hot *cache_hold_heat(struct cache_hold *hold);

/* -- What a room above keeps with a hot result -- */

/* Freed with the hot result, by `release`, on any thread; it must not call the cache. */
struct cache_extra {
  void (*release)(struct cache_extra *extra);
};
/* NULL: there is none yet. As long as the reference. */
struct cache_extra *cache_hot_extra(const struct cache_hot *hot);
/* Gives it `extra`, unless it has one already; returns the one that it has now. The caller still
 * owns `extra` if that is another one. */
struct cache_extra *cache_hot_set_extra(struct cache_hot *hot, struct cache_extra *extra);
/* Counts `bytes` more towards cache.memory, as long as the hot result lives. False: there is no
 * place for them. */
bool cache_hot_grow(struct cache *cache, struct cache_hot *hot, size_t bytes) MUST_CHECK;

/* The present number of hot results, and the bytes that count. */
struct cache_totals cache_hot_totals(struct cache *cache);
