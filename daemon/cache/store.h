/* The state that all writers share; used on the keeper's thread. Their functions: cache.h. */
#pragma once

#include "base/fault.h"

#include <zstd.h>

struct store {
  ZSTD_CCtx *packer;
  char *packed; /* CHUNK_BOUND bytes */
  int chunks;   /* stored since the sweeper was woken */
  bool crowded; /* over max_size with nothing left to evict: one writer must give up */
};

bool store_open(struct store *store, struct fault *fault) MUST_CHECK;
void store_close(struct store *store);
