/* The read-only connections to cache.db: at most POOL_MOST; further callers wait. */
#pragma once

#include "base/fault.h"

#include <pthread.h>
#include <zstd.h>

#define POOL_MOST 16

struct db;

/* Lent to one thread at a time. */
struct cache_connection {
  struct db *db;
  ZSTD_DCtx *context; /* for unpacking chunks */
  struct cache_connection *next;
};

struct pool {
  pthread_mutex_t lock;
  pthread_cond_t given;
  struct cache_connection *idle;
  int open; /* idle or lent */
  const char *path;
};

/* `path` stays the caller's, and lives as long as the pool. */
void pool_open(struct pool *pool, const char *path);
/* CHECKs that none is lent. */
void pool_close(struct pool *pool);
/* Lends a connection; NULL with a fault: none can be opened. Any thread; blocks on the disk, and
 * while all are lent. */
struct cache_connection *pool_take(struct pool *pool, struct fault *fault) MUST_CHECK;
/* Takes it back, leaves NULL. Any thread; does not block. */
void pool_give(struct pool *pool, struct cache_connection **connection);
