#include "base/shard.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

unsigned shard_of_thread(void) {
  static atomic_uint threads;
  static _Thread_local unsigned number; /* from 1; 0: none yet */
  if (!number)
    number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SHARDS + 1;
  return number - 1;
}

void *shard_alloc(size_t size) {
  size_t lines = (size + SHARD_LINE - 1) / SHARD_LINE * SHARD_LINE;
  void *memory = aligned_alloc(SHARD_LINE, lines);
  return memory ? memset(memory, 0, lines) : NULL;
}
