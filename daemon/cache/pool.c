#include "cache/pool.h"

#include "base/scope.h"
#include "db/db.h"
#include "sql_cache.h"

/* Each call reads a few pages and gives its connection back; the pages that are worth memory are in
 * the kernel's page cache already. SQLite's default of 2 MiB a connection would only add up. */
#define PAGE_CACHE 256 /* KiB */

void pool_open(struct pool *pool, const char *path) {
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->given, NULL);
  pool->path = path;
}

static void end(struct cache_connection **address) {
  struct cache_connection *connection = steal(*address);
  if (!connection)
    return;
  db_close(&connection->db);
  ZSTD_freeDCtx(connection->context);
  free(connection);
}

void pool_close(struct pool *pool) {
  while (pool->idle) {
    struct cache_connection *connection = pool->idle;
    pool->idle = connection->next;
    pool->open--;
    end(&connection);
  }
  CHECK(pool->open == 0);
  pthread_cond_destroy(&pool->given);
  pthread_mutex_destroy(&pool->lock);
}

static struct cache_connection *begin(const char *path, struct fault *fault) {
  struct cache_connection *connection = calloc(1, sizeof *connection);
  if (!connection) {
    fault_no_memory(fault);
    return NULL;
  }
  connection->context = ZSTD_createDCtx();
  bool ok = connection->context || fault_no_memory(fault);
  ok = ok && db_open(path, &cache_schema, DB_READ, &connection->db, NULL, fault) &&
       db_set_page_cache(connection->db, PAGE_CACHE, fault);
  if (!ok)
    end(&connection);
  return connection;
}

/* An idle connection. NULL: the caller opens a new one, which is already counted in `open`. */
static struct cache_connection *take_idle(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  while (!pool->idle && pool->open == POOL_MOST)
    pthread_cond_wait(&pool->given, &pool->lock);
  struct cache_connection *connection = pool->idle;
  if (connection)
    pool->idle = connection->next;
  else
    pool->open++;
  pthread_mutex_unlock(&pool->lock);
  return connection;
}

struct cache_connection *pool_take(struct pool *pool, struct fault *fault) {
  struct cache_connection *connection = take_idle(pool);
  if (connection)
    return connection;
  connection = begin(pool->path, fault);
  if (connection)
    return connection;
  pthread_mutex_lock(&pool->lock);
  pool->open--;
  pthread_cond_signal(&pool->given);
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

void pool_give(struct pool *pool, struct cache_connection **address) {
  struct cache_connection *connection = steal(*address);
  pthread_mutex_lock(&pool->lock);
  connection->next = pool->idle;
  pool->idle = connection;
  pthread_cond_signal(&pool->given);
  pthread_mutex_unlock(&pool->lock);
}
