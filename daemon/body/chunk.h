/* Reads a stored result for a body. */
#pragma once

#include "cache/cache.h"

/* Copies bytes of the result from `position` (in bytes) on into `buffer`: at most `size`, and none
 * from the next chunk. Returns their number. 0: there are none, or they cannot be read; the log has
 * the reason, with `request` (X-Request-Id). `hold` NULL: there was no memory for a hold. Blocks on
 * the disk. */
size_t body_chunk_copy(struct cache_hold *hold, int64_t position, char *buffer, size_t size,
                       const char *request);
