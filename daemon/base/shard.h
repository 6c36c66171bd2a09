/* What many threads change at every request is kept in shards: each thread changes its own, so that
 * none waits for another, nor for a line of the cache that another processor has just written.
 * Whoever reads goes over all shards. */
#pragma once

#include "base/check.h"

#include <stddef.h>

#define SHARDS 16
/* Bytes. The first member of a shard is aligned to it, so that no two shards share a line. */
#define SHARD_LINE 64
#define SHARD_ALIGNED _Alignas(SHARD_LINE)

/* The calling thread's shard, less than SHARDS: always the same one. They are given out in turn, and
 * shared if there are more threads, so a shard still needs a lock, or atomic members. Any thread. */
unsigned shard_of_thread(void);

/* Zeroed memory for a struct with shards in it; free() releases it. NULL for lack of memory. */
void *shard_alloc(size_t size) MUST_CHECK;
