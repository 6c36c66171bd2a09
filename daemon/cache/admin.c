#include "cache/inside.h"

#include "base/age.h"
#include "base/clock.h"
#include "base/num.h"

#define PREFIX_MIN 4

/* The first and the last key that begin with some hex digits. */
struct range {
  struct digest first, last;
};

static bool read_prefix(struct view hex, struct range *range, struct fault *fault) {
  if (hex.length < PREFIX_MIN || hex.length > (size_t)2 * DIGEST_SIZE)
    return fault_set(fault, FAULT_MALFORMED, "a key is given by %d to %d hex digits", PREFIX_MIN,
                     2 * DIGEST_SIZE);
  memset(&range->first, 0x00, sizeof range->first);
  memset(&range->last, 0xff, sizeof range->last);
  for (size_t i = 0; i < hex.length; i++) {
    int digit = num_hex_digit(hex.at[i]);
    if (digit < 0)
      return fault_set(fault, FAULT_MALFORMED, "a key consists of hex digits");
    int shift = i % 2 ? 0 : 4;
    range->first.bytes[i / 2] |= (uint8_t)(digit << shift);
    range->last.bytes[i / 2] &= (uint8_t) ~((15 - digit) << shift);
  }
  return true;
}

/* Listing. */

static bool give_rows(struct db_statement *statement, cache_row *row, void *context,
                      struct fault *fault) {
  bool more;
  while (db_step(statement, &more, fault)) {
    if (!more)
      return true;
    int64_t id;
    struct cache_entry entry;
    if (cache_read_entry(statement, &id, &entry))
      row(context, &entry, db_text(statement, 10), db_text(statement, 11));
  }
  return false;
}

/* With `range` those whose keys are in it, else the newest. */
static bool list(struct cache *cache, const struct range *range, int64_t limit, cache_row *row,
                 void *context, struct fault *fault) {
  if (!cache_is_usable(cache, fault))
    return false;
  (void)!hits_write(cache, NULL); /* a full disk does not keep anybody from looking */
  struct reader *reader = readers_take(&cache->readers, fault);
  if (!reader)
    return false;
  struct db_statement *statement =
      range ? db_each(reader->db, CACHE_SQL_SHOW_ENTRIES,
                      DB_VALUES(cache_digest(&range->first), cache_digest(&range->last)), fault)
            : db_each(reader->db, CACHE_SQL_LIST_ENTRIES, DB_VALUES(DB_INT(limit > 0 ? limit : 0)),
                      fault);
  bool ok = statement && give_rows(statement, row, context, fault);
  if (!ok)
    cache_note_failure(cache, reader->db);
  readers_give(&cache->readers, reader);
  return ok;
}

bool cache_list(struct cache *cache, int64_t limit, cache_row *row, void *context,
                struct fault *fault) {
  return list(cache, NULL, limit, row, context, fault);
}

bool cache_show(struct cache *cache, struct view prefix, cache_row *row, void *context,
                struct fault *fault) {
  struct range range;
  return read_prefix(prefix, &range, fault) && list(cache, &range, 0, row, context, fault);
}

struct cache_totals cache_totals(struct cache *cache) {
  struct db_sizes sizes = db_sizes(cache->disk.path);
  /* Pages that only a large -wal has are in use as well, and would be counted twice. */
  int64_t bytes = sizes.wal > WAL_ORDINARY ? sizes.file + sizes.wal : atomic_load(&cache->used);
  return (struct cache_totals){atomic_load(&cache->live), bytes};
}

/* Purging. */

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
               DB_VALUES(cache_digest(&range->first), cache_digest(&range->last)), &row, fault))
    return false;
  int64_t count = row ? db_integer(row, 0) : 0;
  db_done(row);
  return count <= 1 ||
         fault_set(fault, FAULT_MALFORMED, "%lld keys begin with these digits; give more of them",
                   (long long)count);
}

static bool purge(const struct purge_job *job, struct db *db, struct fault *fault) {
  const struct range *range = &job->range;
  switch (job->what) {
  case CACHE_PURGE_ALL:
    return db_do(db, CACHE_SQL_PURGE_ALL, DB_VALUES(), fault);
  case CACHE_PURGE_TARGET:
    return db_do(db, CACHE_SQL_PURGE_TARGET, DB_VALUES(DB_TEXT(job->target)), fault);
  case CACHE_PURGE_KEY:
    return is_unambiguous(db, range, fault) &&
           db_do(db, CACHE_SQL_PURGE_KEYS,
                 DB_VALUES(cache_digest(&range->first), cache_digest(&range->last)), fault);
  case CACHE_PURGE_OLDER_THAN:
    break;
  }
  /* What lies further ahead of the clock than it can is as old as anything may be. */
  return db_do(db, CACHE_SQL_PURGE_OLDER,
               DB_VALUES(DB_INT(job->before), DB_INT(clock_seconds() + AGE_AHEAD_MOST)), fault);
}

static bool purge_work(struct cache_job *base, struct db *db, struct fault *fault) {
  if (!purge((struct purge_job *)base, db, fault))
    return false;
  base->live = -db_changes(db);
  return true;
}

bool cache_purge(struct cache *cache, enum cache_purge what, struct view text, int64_t before,
                 int64_t *count, struct fault *fault) {
  struct purge_job job = {
      .job = {.work = purge_work}, .what = what, .target = text, .before = before};
  *count = 0;
  if (what == CACHE_PURGE_KEY && !read_prefix(text, &job.range, fault))
    return false;
  if (!cache_job_run(cache, &job.job, fault))
    return false;
  *count = -job.job.live;
  sweep_wake(cache);
  return true;
}
