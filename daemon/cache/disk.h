/* The files in the state directory: cache.db with its -wal and -shm, and cache.state. The latter
 * holds one word on how the cache ended (a damaged database could not be trusted to say): "clean",
 * "damaged", or "open", which a crash leaves. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

struct db;

struct disk {
  char *path;     /* cache.db */
  int state_file; /* cache.state; -1: not open */
  int64_t last_id;
  int64_t live;
};

/* Opens the old cache.db if it is whole, else a new one. Fills `disk`, which
 * disk_close() empties in any case. */
bool disk_open(struct disk *disk, const char *directory, struct db **db,
               struct fault *fault) MUST_CHECK;
/* For the next disk_open(). Any thread. */
void disk_mark_damaged(const struct disk *disk);
void disk_mark_clean(const struct disk *disk);
void disk_close(struct disk *disk);

/* The size of the WAL that is kept when it is restarted: a batch of chunks. cache_totals() does not
 * count a WAL of that size. */
#define WAL_ORDINARY (INT64_C(4) * 1024 * 1024)
/* While a reader of another process holds the WAL, nothing more is stored from this size on, or
 * from cache.max_size on where that is more. */
#define WAL_MOST_AT_LEAST (INT64_C(32) * 1024 * 1024)
