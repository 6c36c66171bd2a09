/* The files in the state directory: cache.db with its -wal and -shm, and cache.state. cache.state
 * holds one word about the last end, as a damaged database cannot be trusted to say it: "clean",
 * "damaged", or "open", which a crash leaves. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

struct db;

struct disk {
  char *path;      /* cache.db */
  int state_file;  /* cache.state; -1: not open */
  int64_t last_id; /* the highest id in the file, when it was opened */
  int64_t live;    /* the number of published results then */
  int64_t rank;    /* the least rank of upstream's own answers then (sweep.c); 0: there is none */
};

/* Opens cache.db, or sets it aside and opens a new one if it is damaged. Fills `disk`, which
 * disk_close() empties in any case; the caller owns `*db`. Blocks on the disk. */
bool disk_open(struct disk *disk, const char *directory, struct db **db,
               struct fault *fault) MUST_CHECK;
/* Write cache.state, for the next disk_open(). Any thread; block on the disk. */
void disk_mark_damaged(const struct disk *disk);
void disk_mark_clean(const struct disk *disk);
/* Closes and frees all of it, even after disk_open() has failed. */
void disk_close(struct disk *disk);

/* While a reader of another process holds the WAL, nothing is stored once the WAL has this size, or
 * cache.max_size if that is more. */
#define WAL_MOST_AT_LEAST (INT64_C(32) * 1024 * 1024)
