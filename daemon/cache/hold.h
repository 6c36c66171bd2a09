/* Holds, for the room's other files; cache.h has the functions for other rooms. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;
struct cache_hold;
struct pin;

/* The id of the result from which the found one was computed, or else its own. */
int64_t hold_source(const struct cache_hold *hold);
/* The id of the held result; the cache; the epoch of the key when the result was looked for
 * (cache/tier.h). */
int64_t hold_id(const struct cache_hold *hold);
struct cache *hold_cache(const struct cache_hold *hold);
uint64_t hold_epoch(const struct cache_hold *hold);
/* True if it is in memory already. */
bool hold_is_hot(const struct cache_hold *hold);
/* A hold with a pin of its own beside `pin`; it has no entry. NULL for lack of memory. */
struct cache_hold *hold_create(struct cache *cache, struct pin *pin) MUST_CHECK;
/* Drops a pin and leaves NULL; wakes the sweeper if it waits for this. Any thread; does not
 * block. */
void hold_unpin(struct cache *cache, struct pin **pin);
