/* Handles damage: of the whole file, or of one result. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

struct cache;
struct db;

/* False with a fault if the file was found to be damaged. Any thread; does not block. */
bool cache_is_usable(struct cache *cache, struct fault *fault) MUST_CHECK;
/* Called after a failure of `db`: if the file is damaged, the cache is not used any more. On the
 * thread that uses `db`. */
void cache_note_failure(struct cache *cache, struct db *db);
/* Has the keeper condemn a result that cannot be read. For lack of memory the result stays visible,
 * and its next reader tries again. Any thread; does not block. */
void cache_kill(struct cache *cache, int64_t id);
