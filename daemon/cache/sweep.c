/* Eviction, and the sweeping of results that are not live.
 *
 * The least valuable results are evicted first:
 *
 *   1. those older than cache.ttl, the oldest first: they save only when upstream fails, or while
 *      they are refreshed;
 *   2. derived ones: they can be computed again at no cost, and save no row beside their source;
 *   3. upstream's own, by rank. A rank is the rows that the result saves per byte: what it cost,
 *      as its next hit may save, and what its hits have saved, those of results derived from it
 *      included. To this the inflation is added, which is the rank of the last result that was
 *      evicted by its rank. So a result that is stored or hit now ranks above one of the same worth
 *      that was not asked for lately, and what saved much once goes in the end. This is
 *      GreedyDual-Size-Frequency (Cherkasova, 1998), with rows for frequency. Without the inflation
 *      more rows are spent: see tests/bench/README.md. Amounts of two currencies are compared by
 *      their parts (a tenth of a row, a unit). Both are in the cache only after upstream.api was
 *      changed, until 1. applies to what was stored before.
 *
 * Each is found by an index. The inflation is not stored: at the start it is the least rank, which
 * is what it was or a little more.
 *
 * One job runs in rounds. Each round is a transaction of its own and bounded, so that writers get
 * their turn in between. A round sweeps the candidates that the round before has collected. They
 * were invisible in a committed transaction, so nobody can find them any more. A reader that found
 * one earlier has either pinned it, or will see that it is gone when it checks again (hold.c).
 *
 * Condemned results stay in the file until they are swept, which waits for their pins. Eviction
 * does not count them: otherwise a slow reader of a large result would make it evict everything. So
 * the file may exceed max_size by pinned condemned results, and by the chunks of a few rounds. */
#include "cache/chunk.h"
#include "cache/room.h"
#include "cache/rowid.h"

#include "base/clock.h"

#define CHUNKS_A_ROUND 256
/* The next results use the free pages. If they are more than an eighth of the file and a MiB, the
 * file is truncated, by some pages in each round. */
#define FREE_SHARE 8
#define FREE_PAGES 256

struct space {
  int64_t page_size, pages, free_pages;
};

/* Reads the first row of a statement, of `count` numbers. `*any`: there is one. */
static bool ask(struct db *db, int number, struct db_values values, int64_t *columns, int count,
                bool *any, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, number, values, &row, fault))
    return false;
  *any = row;
  for (int i = 0; row && i < count; i++)
    columns[i] = db_integer(row, i);
  db_done(row);
  return true;
}

static bool measure(struct db *db, struct space *space, struct fault *fault) {
  int64_t columns[3];
  bool any;
  if (!ask(db, CACHE_SQL_SPACE, DB_VALUES(), columns, 3, &any, fault))
    return false;
  if (!any)
    return fault_set(fault, FAULT_INTERNAL, "the size of cache.db is not known");
  *space = (struct space){columns[0], columns[1], columns[2]};
  return true;
}

static int64_t used(const struct space *space) {
  return (space->pages - space->free_pages) * space->page_size;
}

/* Eviction. */

/* By how many bytes the cache is too large, without those that are condemned already. */
static bool measure_excess(struct cache *cache, struct db *db, int64_t *over, struct fault *fault) {
  struct space space;
  int64_t condemned = 0;
  bool any;
  if (!measure(db, &space, fault))
    return false;
  *over = used(&space) - atomic_load(&cache->max_size);
  if (*over > 0 && !ask(db, CACHE_SQL_CONDEMNED_BYTES, DB_VALUES(), &condemned, 1, &any, fault))
    return false;
  *over -= condemned;
  return true;
}

/* The columns of oldest and least_worthy. */
enum { VICTIM_ID, VICTIM_BYTES, VICTIM_OWN, VICTIM_RANK, VICTIM_COLUMNS };

/* The result that goes next. */
static bool choose(struct cache *cache, struct db *db, int64_t *victim, bool *any,
                   struct fault *fault) {
  int64_t *inflation = &cache->sweep.inflation;
  int64_t expired = clock_seconds() - atomic_load(&cache->ttl);
  if (!ask(db, CACHE_SQL_OLDEST, DB_VALUES(DB_INT(expired)), victim, VICTIM_COLUMNS, any, fault))
    return false;
  if (*any)
    return true;
  if (!ask(db, CACHE_SQL_LEAST_WORTHY, DB_VALUES(), victim, VICTIM_COLUMNS, any, fault))
    return false;
  if (*any && victim[VICTIM_OWN] && victim[VICTIM_RANK] > *inflation)
    *inflation = victim[VICTIM_RANK];
  return true;
}

static bool evict(struct cache *cache, struct db *db, int64_t *evicted, struct fault *fault) {
  int64_t over, victim[VICTIM_COLUMNS];
  bool any = true;
  cache->store.crowded = false;
  if (!measure_excess(cache, db, &over, fault))
    return false;
  while (over > 0 && *evicted < SWEEP_EVICTED) {
    if (!choose(cache, db, victim, &any, fault))
      return false;
    cache->store.crowded = !any;
    if (!any)
      return true;
    if (!db_do(db, CACHE_SQL_CONDEMN_LIVE_ENTRY, DB_VALUES(DB_INT(victim[VICTIM_ID])), fault))
      return false;
    over -= victim[VICTIM_BYTES] > 0 ? victim[VICTIM_BYTES] : 0;
    cache->sweep.evicted[(*evicted)++] = victim[VICTIM_ID];
  }
  return true;
}

/* Sweeping. */

static bool first_chunk(struct db *db, int64_t id, bool *any, int64_t *first, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, CACHE_SQL_FIRST_CHUNK,
               DB_VALUES(DB_INT(rowid_first_chunk(id)), DB_INT(rowid_last_chunk(id))), &row, fault))
    return false;
  *any = row && !db_is_null(row, 0);
  *first = *any ? db_integer(row, 0) : 0;
  db_done(row);
  return true;
}

static bool delete_chunks(struct db *db, int64_t id, int64_t first, int64_t last, int64_t *deleted,
                          struct fault *fault) {
  if (!db_do(db, CACHE_SQL_SHRINK_ENTRY,
             DB_VALUES(DB_INT(id), DB_INT(first), DB_INT(last), DB_INT(CHUNK_OVERHEAD)), fault) ||
      !db_do(db, CACHE_SQL_DELETE_CHUNKS, DB_VALUES(DB_INT(first), DB_INT(last)), fault))
    return false;
  *deleted = db_changes(db);
  return true;
}

static bool is_sweepable(struct db *db, int64_t id, bool *yes, struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, CACHE_SQL_IS_SWEEPABLE, DB_VALUES(DB_INT(id)), &row, fault);
  *yes = row;
  db_done(row);
  return ok;
}

/* Deletes at most `*budget` chunks. `*over`: all of them are deleted, and the entry, too. */
static bool sweep_entry(struct db *db, int64_t id, int64_t *budget, bool *over,
                        struct fault *fault) {
  *over = false;
  while (*budget > 0) {
    bool any;
    int64_t first, deleted;
    /* A damaged file may have an entry with an invalid id, which has no chunks. */
    any = rowid_is_valid(id);
    if (any && !first_chunk(db, id, &any, &first, fault))
      return false;
    if (!any) {
      *over = true;
      return db_do(db, CACHE_SQL_DELETE_ENTRY, DB_VALUES(DB_INT(id)), fault);
    }
    int64_t end = rowid_last_chunk(id);
    int64_t last = end - first < *budget ? end : first + *budget - 1;
    if (!delete_chunks(db, id, first, last, &deleted, fault))
      return false;
    if (!deleted)
      return fault_set(fault, FAULT_INTERNAL, "cache.db is damaged: chunk %lld stays",
                       (long long)first);
    *budget -= deleted;
  }
  return true;
}

static bool sweep_candidate(struct cache *cache, struct db *db, int64_t id, int64_t *budget,
                            bool *over, struct fault *fault) {
  bool sweepable;
  if (pins_await(&cache->pins, id))
    return true;
  if (!is_sweepable(db, id, &sweepable, fault))
    return false;
  return !sweepable || sweep_entry(db, id, budget, over, fault);
}

static bool sweep_candidates(struct cache *cache, struct db *db, struct fault *fault) {
  struct sweep *sweep = &cache->sweep;
  int64_t budget = CHUNKS_A_ROUND;
  bool over = true;
  for (int i = 0; i < sweep->count && over; i++) {
    int64_t id = sweep->candidates[i];
    if (!sweep_candidate(cache, db, id, &budget, &over, fault))
      return false;
    if (over)
      sweep->after = id;
  }
  return true;
}

static bool collect(struct sweep *sweep, struct db *db, struct fault *fault) {
  sweep->count = 0;
  struct db_statement *statement = db_each(
      db, CACHE_SQL_SWEEPABLE, DB_VALUES(DB_INT(sweep->after), DB_INT(SWEEP_CANDIDATES)), fault);
  bool row;
  while (statement && db_step(statement, &row, fault)) {
    if (!row)
      return true;
    sweep->candidates[sweep->count++] = db_integer(statement, 0);
  }
  return false;
}

static bool give_back(struct db *db, bool *more, struct fault *fault) {
  struct space before, after;
  *more = false;
  if (!measure(db, &before, fault))
    return false;
  if (before.free_pages < FREE_PAGES || before.free_pages < before.pages / FREE_SHARE)
    return true;
  if (!db_give_back(db, FREE_PAGES, fault) || !measure(db, &after, fault))
    return false;
  *more = after.pages < before.pages;
  return true;
}

/* Rounds. */

static bool work(struct cache_job *job, struct db *db, struct fault *fault) {
  struct cache *cache = job->cache;
  struct sweep *sweep = &cache->sweep;
  int64_t evicted = 0;
  if (!cache_has_room(cache, db, fault) || !evict(cache, db, &evicted, fault) ||
      !sweep_candidates(cache, db, fault))
    return false;
  if (evicted)
    sweep->after = 0;
  if (!collect(sweep, db, fault))
    return false;
  sweep->more = sweep->count > 0;
  if (!sweep->more && !give_back(db, &sweep->more, fault))
    return false;
  struct space space;
  if (!measure(db, &space, fault))
    return false;
  sweep->used = used(&space);
  job->live = -evicted;
  return true;
}

/* Once they are invisible for good: a result that became hot before that would stay. */
static void forget_evicted(struct cache *cache) {
  for (int64_t i = 0; i < -cache->sweep.job.live; i++)
    tier_drop_id(&cache->tier, cache->sweep.evicted[i]);
}

/* After a failure (a full disk) the sweeper stops until it is woken again. */
static void done(struct cache_job *job, bool ok, const struct fault *fault) {
  (void)fault;
  struct sweep *sweep = &job->cache->sweep;
  if (ok) {
    forget_evicted(job->cache);
    atomic_store(&job->cache->used, sweep->used);
  }
  bool goes_on = ok && sweep->more;
  if (!goes_on) {
    sweep->count = 0;
    sweep->after = 0;
  }
  pthread_mutex_lock(&sweep->lock);
  bool give = (goes_on || sweep->again) && !sweep->closing;
  if (!goes_on)
    sweep->again = false;
  sweep->running = give;
  pthread_mutex_unlock(&sweep->lock);
  if (give)
    cache_job_give(job->cache, job);
}

void sweep_open(struct sweep *sweep, int64_t inflation) {
  sweep->inflation = inflation;
  pthread_mutex_init(&sweep->lock, NULL);
  sweep->job.work = work;
  sweep->job.done = done;
}

void sweep_close(struct sweep *sweep) {
  pthread_mutex_destroy(&sweep->lock);
}

void sweep_wake(struct cache *cache) {
  struct sweep *sweep = &cache->sweep;
  pthread_mutex_lock(&sweep->lock);
  bool give = !sweep->running && !sweep->closing;
  if (give)
    sweep->running = true;
  else
    sweep->again = true;
  pthread_mutex_unlock(&sweep->lock);
  if (give)
    cache_job_give(cache, &sweep->job);
}

void sweep_end(struct cache *cache) {
  struct sweep *sweep = &cache->sweep;
  pthread_mutex_lock(&sweep->lock);
  sweep->closing = true;
  pthread_mutex_unlock(&sweep->lock);
}
