#include "cache/range.h"
#include "cache/room.h"
#include "cache/row.h"

#include "base/age.h"
#include "base/clock.h"

struct purge_job {
  struct cache_job job;
  enum cache_purge what;
  struct view target;
  int64_t before;
  struct range range;
};

static bool is_unambiguous(struct db *db, const struct range *range, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, CACHE_SQL_COUNT_KEYS,
               DB_VALUES(row_digest(&range->first), row_digest(&range->last)), &row, fault))
    return false;
  int64_t count = row ? db_integer(row, 0) : 0;
  db_done(row);
  return count <= 1 ||
         fault_set(fault, FAULT_MALFORMED, "%lld keys begin with these digits; give more of them",
                   (long long)count);
}

/* Runs a statement that condemns published results. */
static bool condemn(struct purge_job *job, int number, struct db_values values, struct db *db,
                    struct fault *fault) {
  if (!db_do(db, number, values, fault))
    return false;
  job->job.live -= db_changes(db);
  return true;
}

/* First what was derived from the results, while these can be found. */
static bool purge_keys(struct purge_job *job, struct db *db, struct fault *fault) {
  const struct range *range = &job->range;
  const struct db_values keys = DB_VALUES(row_digest(&range->first), row_digest(&range->last));
  return is_unambiguous(db, range, fault) &&
         condemn(job, CACHE_SQL_PURGE_COPIES_OF_KEYS, keys, db, fault) &&
         condemn(job, CACHE_SQL_PURGE_KEYS, keys, db, fault);
}

/* A derived result has the target and the time of its source, and goes with it. */
static bool purge_work(struct cache_job *base, struct db *db, struct fault *fault) {
  struct purge_job *job = (struct purge_job *)base;
  switch (job->what) {
  case CACHE_PURGE_ALL:
    return condemn(job, CACHE_SQL_PURGE_ALL, DB_VALUES(), db, fault);
  case CACHE_PURGE_TARGET:
    return condemn(job, CACHE_SQL_PURGE_TARGET, DB_VALUES(DB_TEXT(job->target)), db, fault);
  case CACHE_PURGE_KEY:
    return purge_keys(job, db, fault);
  case CACHE_PURGE_OLDER_THAN:
    break;
  }
  /* An answer from the future (the clock was wrong) has an unknown age, and is purged too. */
  return condemn(job, CACHE_SQL_PURGE_OLDER,
                 DB_VALUES(DB_INT(job->before), DB_INT(clock_seconds() + AGE_AHEAD_MOST)), db,
                 fault);
}

/* A purge is rare: what is still there becomes hot again. */
static void purge_done(struct cache_job *job, bool ok, const struct fault *fault) {
  (void)fault;
  if (ok && job->live < 0)
    tier_drop_all(&job->cache->tier);
}

bool cache_purge(struct cache *cache, enum cache_purge what, struct view text, int64_t before,
                 int64_t *count, struct fault *fault) {
  struct purge_job job = {.job = {.work = purge_work, .done = purge_done},
                          .what = what,
                          .target = text,
                          .before = before};
  *count = 0;
  if (what == CACHE_PURGE_KEY && !range_of_prefix(text, &job.range, fault))
    return false;
  if (!cache_job_run(cache, &job.job, fault))
    return false;
  *count = -job.job.live;
  sweep_wake(cache);
  return true;
}
