/* Reads a stored result for a body. */
#pragma once

#include "cache/cache.h"

/* Copies at most `size` bytes that begin at `position` (in bytes, from the beginning of the result)
 * and lie in one chunk; returns how many. 0: nothing stands there, or it cannot be read; the reason
 * is logged with `request` (X-Request-Id). `hold` NULL: there was no memory for it. Blocks on the
 * disk. */
size_t body_chunk_copy(struct cache_hold *hold, int64_t position, char *buffer, size_t size,
                       const char *request);
