/* The cache, as the files of this room share it; no other room includes it.
 *
 * Of the SQLite engine:
 *
 *   cache.c    opening and closing
 *   disk.c     the files: clean or unclean end, setting aside
 *   pool.c     the read-only connections
 *   jobs.c     work on the keeper's thread
 *   damage.c   the answer to a damaged file, or a damaged result
 *   pins.c     results that must not be swept
 *   hold.c     finding, holding, reading
 *   hot.c      results in memory
 *   tier.c     which of them stay
 *   block.c    memory for their bodies
 *   gaps.c     what they leave in the heap when they go
 *   hits.c     hits that are not written yet
 *   packers.c  packing ahead of the keeper
 *   store.c    the writer
 *   sweep.c    eviction, sweeping, giving space back
 *   list.c     listing
 *   purge.c    purging
 *   row.c      values of statements
 *   rowid.h    the numbers of rows
 *
 * Of any engine, and pure:
 *
 *   chunk.c    packing and unpacking
 *   entry.c    the checks of a row
 *   range.c    keys by their first digits
 *   heap.c     results in memory by their rank
 *
 * Locks: each is taken alone, and no other file is called while one is held. But under the tier's,
 * that of a part of the keys is taken, or that of a shard of hits. Members marked "keeper" are used
 * by jobs only, that is on the keeper's thread. */
#pragma once

#include "cache/cache.h"

#include "cache/damage.h"
#include "cache/disk.h"
#include "cache/hits.h"
#include "cache/hold.h"
#include "cache/jobs.h"
#include "cache/packers.h"
#include "cache/pins.h"
#include "cache/pool.h"
#include "cache/store.h"
#include "cache/sweep.h"
#include "cache/tier.h"
#include "db/db.h"
#include "sql_cache.h"

#include <stdatomic.h>

struct cache {
  struct disk disk;
  struct keeper *keeper;
  struct packers packers;
  struct pins pins;
  struct pool pool;
  struct hits hits;
  struct store store;
  struct sweep sweep;
  struct tier tier;
  _Atomic int64_t max_size; /* cache.max_size, bytes */
  _Atomic int64_t ttl;      /* cache.ttl, seconds */
  _Atomic int64_t last_id;  /* of results */
  _Atomic int64_t live;     /* published results */
  _Atomic int64_t used;     /* bytes of pages in use, by the sweeper */
  atomic_bool unusable;     /* the file was found to be damaged */
};
