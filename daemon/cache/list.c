#include "cache/range.h"
#include "cache/room.h"
#include "cache/row.h"

static bool give_rows(struct db_statement *statement, cache_row *row, void *context,
                      struct fault *fault) {
  bool more;
  while (db_step(statement, &more, fault)) {
    if (!more)
      return true;
    int64_t id;
    struct cache_entry entry;
    if (row_read_entry(statement, &id, &entry))
      row(context, &entry, db_text(statement, 11), db_text(statement, 12));
  }
  return false;
}

/* Lists the entries with keys in `range`; if it is NULL, the newest ones. */
static bool list(struct cache *cache, const struct range *range, int64_t limit, cache_row *row,
                 void *context, struct fault *fault) {
  if (!cache_is_usable(cache, fault))
    return false;
  (void)!hits_write(cache, NULL); /* a full disk does not prevent a listing */
  struct cache_connection *connection = pool_take(&cache->pool, fault);
  if (!connection)
    return false;
  struct db_statement *statement =
      range ? db_each(connection->db, CACHE_SQL_SHOW_ENTRIES,
                      DB_VALUES(row_digest(&range->first), row_digest(&range->last)), fault)
            : db_each(connection->db, CACHE_SQL_LIST_ENTRIES,
                      DB_VALUES(DB_INT(limit > 0 ? limit : 0)), fault);
  bool ok = statement && give_rows(statement, row, context, fault);
  if (!ok)
    cache_note_failure(cache, connection->db);
  pool_give(&cache->pool, &connection);
  return ok;
}

bool cache_list(struct cache *cache, int64_t limit, cache_row *row, void *context,
                struct fault *fault) {
  return list(cache, NULL, limit, row, context, fault);
}

bool cache_show(struct cache *cache, struct view prefix, cache_row *row, void *context,
                struct fault *fault) {
  struct range range;
  return range_of_prefix(prefix, &range, fault) && list(cache, &range, 0, row, context, fault);
}
