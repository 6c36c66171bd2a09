/* The cache's answer to damage: of the whole file, or of one result. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

struct cache;
struct db;

/* False with a fault if the file turned out to be damaged. Any thread; does not block. */
bool cache_is_usable(struct cache *cache, struct fault *fault) MUST_CHECK;
/* After a failure of `db`: if it says that the file is damaged, the cache is not used any more. */
void cache_note_failure(struct cache *cache, struct db *db);
/* Has a result that cannot be read condemned, soon. For lack of memory it stays visible, and the
 * next reader tries again. Any thread; does not block. */
void cache_kill(struct cache *cache, int64_t id);
