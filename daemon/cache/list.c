#include "cache/range.h"
#include "cache/room.h"
#include "cache/row.h"

static bool give_rows(struct db_statement *statement, cache_row *row, void *context,
                      struct fault *fault) {
  bool more;
  while (db_step(statement, &more, fault)) {
    if (!more)
      return true;
    struct row_ids ids;
    struct cache_entry entry;
    if (row_read_entry(statement, &ids, &entry))
      row(context, &entry, row_normal(statement), row_target(statement));
  }
  return false;
}

/* Gives the rows of statement `number`. */
static bool list(struct cache *cache, int number, struct db_values values, cache_row *row,
                 void *context, struct fault *fault) {
  struct cache_connection *connection = pool_take(&cache->pool, fault);
  if (!connection)
    return false;
  struct db_statement *statement = db_each(connection->db, number, values, fault);
  bool ok = statement && give_rows(statement, row, context, fault);
  if (!ok)
    cache_note_failure(cache, connection->db);
  pool_give(&cache->pool, &connection);
  return ok;
}

/* Has the hits written, so that a listing shows them; a full disk does not prevent it. */
static bool prepare(struct cache *cache, struct fault *fault) {
  if (!cache_is_usable(cache, fault))
    return false;
  (void)!hits_write(cache, NULL);
  return true;
}

/* SQLite takes a negative limit for none. */
static struct db_value limit_value(int64_t limit) {
  return DB_INT(limit > 0 ? limit : 0);
}

bool cache_list(struct cache *cache, int64_t limit, cache_row *row, void *context,
                struct fault *fault) {
  return prepare(cache, fault) &&
         list(cache, CACHE_SQL_LIST_ENTRIES, DB_VALUES(limit_value(limit)), row, context, fault);
}

bool cache_show(struct cache *cache, struct view prefix, cache_row *row, void *context,
                struct fault *fault) {
  struct range range;
  return range_of_prefix(prefix, &range, fault) && prepare(cache, fault) &&
         list(cache, CACHE_SQL_SHOW_ENTRIES,
              DB_VALUES(row_digest(&range.first), row_digest(&range.last)), row, context, fault);
}

bool cache_sources(struct cache *cache, const struct digest *subject, int64_t since, int64_t until,
                   int64_t limit, cache_row *row, void *context, struct fault *fault) {
  return cache_is_usable(cache, fault) &&
         list(cache, CACHE_SQL_LIST_SOURCES,
              DB_VALUES(row_digest(subject), DB_INT(since), DB_INT(until), limit_value(limit)), row,
              context, fault);
}
