/* Holds, as the room's other files make them of what they have pinned. Callers' side: cache.h. */
#pragma once

#include "base/check.h"

struct cache;
struct cache_hold;
struct pin;

/* A hold with a pin of its own beside `pin`; it has no entry. NULL for lack of memory. */
struct cache_hold *hold_create(struct cache *cache, struct pin *pin) MUST_CHECK;
/* Drops a pin, and wakes the sweeper where it waits for that. Leaves NULL. */
void hold_unpin(struct cache *cache, struct pin **pin);
