#include "cache/inside.h"

#include "base/scope.h"

/* Each call reads a few pages and gives its reader back; what is worth keeping in memory is in the
 * kernel's page cache already. SQLite's default of 2 MiB a connection would only add up. */
#define PAGE_CACHE "PRAGMA cache_size = -256"

void readers_open(struct readers *readers, const char *path) {
  pthread_mutex_init(&readers->lock, NULL);
  pthread_cond_init(&readers->given, NULL);
  readers->path = path;
}

static void end(struct reader **address) {
  struct reader *reader = steal(*address);
  if (!reader)
    return;
  db_close(&reader->db);
  ZSTD_freeDCtx(reader->context);
  free(reader);
}

void readers_close(struct readers *readers) {
  while (readers->idle) {
    struct reader *reader = readers->idle;
    readers->idle = reader->next;
    readers->open--;
    end(&reader);
  }
  CHECK(readers->open == 0);
  pthread_cond_destroy(&readers->given);
  pthread_mutex_destroy(&readers->lock);
}

static struct reader *begin(const char *path, struct fault *fault) {
  struct reader *reader = calloc(1, sizeof *reader);
  if (!reader) {
    fault_no_memory(fault);
    return NULL;
  }
  reader->context = ZSTD_createDCtx();
  bool ok = reader->context || fault_no_memory(fault);
  ok = ok && db_open(path, &cache_schema, DB_READ, &reader->db, NULL, fault) &&
       db_execute(reader->db, PAGE_CACHE, fault);
  if (!ok)
    end(&reader);
  return reader;
}

/* An idle one, or NULL: the caller may open one, which is counted already. */
static struct reader *take_idle(struct readers *readers) {
  pthread_mutex_lock(&readers->lock);
  while (!readers->idle && readers->open == READERS_MAX)
    pthread_cond_wait(&readers->given, &readers->lock);
  struct reader *reader = readers->idle;
  if (reader)
    readers->idle = reader->next;
  else
    readers->open++;
  pthread_mutex_unlock(&readers->lock);
  return reader;
}

struct reader *readers_take(struct readers *readers, struct fault *fault) {
  struct reader *reader = take_idle(readers);
  if (reader)
    return reader;
  reader = begin(readers->path, fault);
  if (reader)
    return reader;
  pthread_mutex_lock(&readers->lock);
  readers->open--;
  pthread_cond_signal(&readers->given);
  pthread_mutex_unlock(&readers->lock);
  return NULL;
}

void readers_give(struct readers *readers, struct reader *reader) {
  pthread_mutex_lock(&readers->lock);
  reader->next = readers->idle;
  readers->idle = reader;
  pthread_cond_signal(&readers->given);
  pthread_mutex_unlock(&readers->lock);
}
