/* The state that all writers share; used on the keeper's thread. Their functions: cache.h. */
#pragma once

#include <stdbool.h>

struct store {
  int chunks;   /* stored since the sweeper was woken */
  bool crowded; /* over max_size with nothing left to evict: one writer must give up */
};
