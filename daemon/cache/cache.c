#include "cache/inside.h"

#include "base/log.h"
#include "base/scope.h"

#define FIND_TRIES 8
/* For how long the keeper waits for a lock that another process holds on cache.db. Answers that are
 * paid for wait for it (they are published before they are settled), and it is they that matter:
 * one that cannot be stored now is handed on and not stored. */
#define PATIENCE_MS 50

/* Jobs. */

/* A -wal that a reader of another process holds grows with all that is stored, evicted and counted;
 * in the end it would take the disk, and the ledger's place with it. So nothing more of that is
 * done when it is as large as the cache may be. What was asked for, or would else be lost, is. */
bool cache_has_room(struct cache *cache, struct db *db, struct fault *fault) {
  if (!db_is_held(db))
    return true;
  int64_t most = atomic_load(&cache->max_size), wal = db_sizes(cache->disk.path).wal;
  if (most < WAL_MOST_AT_LEAST)
    most = WAL_MOST_AT_LEAST;
  return wal < most || fault_set(fault, FAULT_UNAVAILABLE,
                                 "%s-wal has %lld bytes, because another process reads an old "
                                 "state of it: nothing is stored until that ends",
                                 cache->disk.path, (long long)wal);
}

static bool job_work(struct keeper_job *keeper_job, struct db *db, struct fault *fault) {
  struct cache_job *job = (struct cache_job *)keeper_job;
  job->live = 0;
  if (!cache_is_usable(job->cache, fault))
    return false;
  bool ok = job->work(job, db, fault);
  if (!ok)
    cache_note_failure(job->cache, db);
  return ok;
}

static void job_done(struct keeper_job *keeper_job, bool ok, const struct fault *fault) {
  struct cache_job *job = (struct cache_job *)keeper_job;
  if (ok)
    atomic_fetch_add(&job->cache->live, job->live);
  if (job->done)
    job->done(job, ok, fault);
}

static void prepare_job(struct cache *cache, struct cache_job *job) {
  job->cache = cache;
  job->keeper.work = job_work;
  job->keeper.done = job_done;
}

void cache_job_give(struct cache *cache, struct cache_job *job) {
  prepare_job(cache, job);
  keeper_give(cache->keeper, &job->keeper);
}

bool cache_job_run(struct cache *cache, struct cache_job *job, struct fault *fault) {
  prepare_job(cache, job);
  return keeper_run(cache->keeper, &job->keeper, fault);
}

/* Damage. */

bool cache_is_usable(struct cache *cache, struct fault *fault) {
  return !atomic_load(&cache->unusable) ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "%s is damaged and not used until it is set aside at the next start",
                   cache->disk.path);
}

void cache_note_failure(struct cache *cache, struct db *db) {
  if (!db_is_damaged(db) || atomic_exchange(&cache->unusable, true))
    return;
  disk_mark_damaged(&cache->disk);
  log_error("cache_damaged",
            "file=%s what=\"not used any more; will be set aside at the next start\"",
            LOG_VALUE(cache->disk.path));
}

/* The condemning of a result that cannot be read. */
struct kill_job {
  struct cache_job job;
  int64_t id;
};

static bool kill_work(struct cache_job *job, struct db *db, struct fault *fault) {
  const struct db_values id = DB_VALUES(DB_INT(((struct kill_job *)job)->id));
  if (!db_do(db, CACHE_SQL_CONDEMN_LIVE_ENTRY, id, fault))
    return false;
  job->live = -db_changes(db);
  return db_do(db, CACHE_SQL_CONDEMN_FILLING_ENTRY, id, fault);
}

static void kill_done(struct cache_job *job, bool ok, const struct fault *fault) {
  (void)ok, (void)fault;
  sweep_wake(job->cache);
  free(job);
}

/* For lack of memory it stays visible, and the next reader tries again. */
static void kill_entry(struct cache *cache, int64_t id) {
  struct kill_job *kill = calloc(1, sizeof *kill);
  if (!kill)
    return;
  kill->job.work = kill_work;
  kill->job.done = kill_done;
  kill->id = id;
  cache_job_give(cache, &kill->job);
}

/* Opening and closing. */

static bool start(struct cache *cache, const char *directory, struct fault *fault) {
  struct db *db = NULL;
  if (!disk_open(&cache->disk, directory, &db, fault))
    return false;
  atomic_init(&cache->last_id, cache->disk.last_id);
  atomic_init(&cache->live, cache->disk.live);
  readers_open(&cache->readers, cache->disk.path);
  pins_open(&cache->pins);
  hits_open(&cache->hits);
  sweep_open(&cache->sweep);
  db_set_patience(db, PATIENCE_MS);
  if (store_open(&cache->store, fault) && keeper_start(&cache->keeper, "cache", &db, fault))
    return true;
  db_close(&db);
  store_close(&cache->store);
  sweep_close(&cache->sweep);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  readers_close(&cache->readers);
  return false;
}

bool cache_open(const char *directory, int64_t max_size, struct cache **out, struct fault *fault) {
  struct cache *cache = calloc(1, sizeof *cache);
  if (!cache)
    return fault_no_memory(fault);
  atomic_init(&cache->max_size, max_size);
  if (!start(cache, directory, fault)) {
    disk_close(&cache->disk);
    free(cache);
    return false;
  }
  sweep_wake(cache);
  *out = cache;
  return true;
}

void cache_close(struct cache **address) {
  struct cache *cache = steal(*address);
  if (!cache)
    return;
  (void)!hits_write(cache, NULL);
  sweep_end(cache);
  /* The connection that closes last makes the -wal part of the file; the keeper's may write. */
  readers_close(&cache->readers);
  keeper_stop(&cache->keeper);
  if (!atomic_load(&cache->unusable))
    disk_mark_clean(&cache->disk);
  store_close(&cache->store);
  sweep_close(&cache->sweep);
  hits_close(&cache->hits);
  pins_close(&cache->pins);
  disk_close(&cache->disk);
  free(cache);
}

void cache_set_max_size(struct cache *cache, int64_t bytes) {
  atomic_store(&cache->max_size, bytes);
  sweep_wake(cache);
}

/* Finding. */

bool cache_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) {
  if (text.length >= CACHE_CONTENT_TYPE_SIZE)
    return false;
  for (size_t i = 0; i < text.length; i++)
    if (text.at[i] < ' ' || text.at[i] > '~')
      return false;
  if (text.length)
    memcpy(out, text.at, text.length);
  out[text.length] = 0;
  return true;
}

/* As many chunks as a body has cannot take less place than this. */
static bool is_length(int64_t length, int64_t stored) {
  int64_t chunks = length / (int64_t)CACHE_CHUNK_SIZE;
  return length >= 0 && chunks <= CHUNKS_MAX && chunks <= stored / CHUNK_OVERHEAD;
}

bool cache_read_entry(struct db_statement *statement, struct cache_entry *entry) {
  struct view key = db_blob(statement, 1);
  if (key.length != DIGEST_SIZE)
    return false;
  memcpy(entry->key.bytes, key.at, DIGEST_SIZE);
  struct view validator = db_blob(statement, 9);
  if (validator.length != sizeof entry->validator.bytes)
    return false;
  memcpy(entry->validator.bytes, validator.at, validator.length);
  entry->id = db_integer(statement, 0);
  entry->results = db_integer(statement, 2);
  entry->body_length = db_integer(statement, 3);
  entry->stored_bytes = db_integer(statement, 4);
  entry->cost = (struct rows){db_integer(statement, 5)};
  entry->answered_at = db_integer(statement, 6);
  entry->hits = db_integer(statement, 7);
  return entry->id > 0 && entry->id <= ID_MAX && entry->results >= 0 && entry->stored_bytes >= 0 &&
         is_length(entry->body_length, entry->stored_bytes) && entry->cost.tenths >= 0 &&
         entry->answered_at >= 0 && entry->hits >= 0 &&
         cache_read_content_type(db_text(statement, 8), entry->content_type);
}

static bool look(struct cache *cache, struct db *db, const struct digest *key,
                 struct cache_entry *entry, bool *found, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, CACHE_SQL_FIND_ENTRY, DB_VALUES(cache_digest(key)), &row, fault))
    return false;
  *found = row;
  bool valid = !row || cache_read_entry(row, entry);
  if (!valid)
    kill_entry(cache, db_integer(row, 0));
  db_done(row);
  return valid || fault_set(fault, FAULT_UNAVAILABLE, "%s: a damaged entry", cache->disk.path);
}

/* What is found the second time is what was pinned before: from now on it stays. */
static bool find_pinned(struct cache *cache, struct db *db, const struct digest *key,
                        struct cache_entry *entry, bool *found, struct fault *fault) {
  for (int i = 0; i < FIND_TRIES; i++) {
    if (!look(cache, db, key, entry, found, fault))
      return false;
    if (!*found)
      return true;
    int64_t id = entry->id;
    if (!pins_add(&cache->pins, id))
      return fault_no_memory(fault);
    bool ok = look(cache, db, key, entry, found, fault);
    if (ok && *found && entry->id == id)
      return true;
    cache_unpin(cache, id);
    if (!ok)
      return false;
  }
  *found = false; /* replaced faster than it can be looked at */
  return true;
}

bool cache_find(struct cache *cache, const struct digest *key, struct cache_entry *entry) {
  struct fault fault;
  if (!cache_is_usable(cache, NULL))
    return false;
  bool found = false;
  struct reader *reader = readers_take(&cache->readers, &fault);
  bool ok = reader && find_pinned(cache, reader->db, key, entry, &found, &fault);
  if (reader) {
    if (!ok)
      cache_note_failure(cache, reader->db);
    readers_give(&cache->readers, reader);
  }
  if (!ok)
    log_warning("cache_unreadable", "reason=%s", LOG_VALUE(fault.text));
  return ok && found;
}

void cache_pin(struct cache *cache, int64_t id) {
  bool known = pins_add(&cache->pins, id);
  CHECK(known);
}

void cache_unpin(struct cache *cache, int64_t id) {
  if (pins_drop(&cache->pins, id))
    sweep_wake(cache);
}

void cache_count_hit(struct cache *cache, int64_t id) {
  hits_count(cache, id);
}

/* Reading. */

/* What one row of read_chunk must be; sets `*damaged` when the disk lies. */
static bool decode(struct reader *reader, struct db_statement *row, int64_t number, char *buffer,
                   size_t *length, bool *damaged) {
  int64_t length_of_all = db_integer(row, 0), before = number * (int64_t)CACHE_CHUNK_SIZE;
  if (length_of_all <= before)
    return false;
  int64_t left = length_of_all - before;
  *length = left < (int64_t)CACHE_CHUNK_SIZE ? (size_t)left : CACHE_CHUNK_SIZE;
  struct view data = db_blob(row, 2);
  *damaged = db_integer(row, 1) != (int64_t)*length ||
             ZSTD_decompressDCtx(reader->context, buffer, *length, data.at, data.length) != *length;
  return !*damaged;
}

static bool read_chunk(struct cache *cache, struct reader *reader, int64_t id, int64_t number,
                       char *buffer, size_t *length, struct fault *fault) {
  bool damaged = false;
  struct db_statement *row;
  if (!db_find(reader->db, CACHE_SQL_READ_CHUNK,
               DB_VALUES(DB_INT(id), DB_INT(id << CHUNK_BITS | number), DB_INT(CHUNK_BOUND)), &row,
               fault))
    return false;
  bool ok = row && decode(reader, row, number, buffer, length, &damaged);
  db_done(row);
  if (damaged)
    kill_entry(cache, id);
  return ok || fault_set(fault, FAULT_UNAVAILABLE, "%s: chunk %lld of result %lld is %s",
                         cache->disk.path, (long long)number, (long long)id,
                         damaged ? "damaged" : "not there");
}

bool cache_read(struct cache *cache, int64_t id, int64_t number, char *buffer, size_t *length,
                struct fault *fault) {
  CHECK(id > 0 && id <= ID_MAX);
  if (number < 0 || number >= CHUNKS_MAX)
    return fault_set(fault, FAULT_INTERNAL, "there is no chunk %lld", (long long)number);
  struct reader *reader = readers_take(&cache->readers, fault);
  if (!reader)
    return false;
  bool ok = read_chunk(cache, reader, id, number, buffer, length, fault);
  if (!ok)
    cache_note_failure(cache, reader->db);
  readers_give(&cache->readers, reader);
  return ok;
}
