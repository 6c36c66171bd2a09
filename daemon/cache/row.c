#include "cache/row.h"

#include "cache/entry.h"

bool row_read_entry(struct db_statement *row, struct row_ids *ids, struct cache_entry *entry) {
  const struct entry_values values = {.id = db_integer(row, 0),
                                      .key = db_blob(row, 1),
                                      .results = db_integer(row, 2),
                                      .body_length = db_integer(row, 3),
                                      .stored_bytes = db_integer(row, 4),
                                      .cost = db_integer(row, 5),
                                      .answered_at = db_integer(row, 6),
                                      .hits = db_integer(row, 7),
                                      .content_type = db_text(row, 8),
                                      .validator = db_blob(row, 9),
                                      .currency = db_integer(row, 10),
                                      .saved = db_integer(row, 11),
                                      .source = db_integer(row, 12),
                                      .listed = db_integer(row, 13),
                                      .may_be_cut = db_integer(row, 14),
                                      .subject = db_blob(row, 15)};
  *ids = (struct row_ids){values.id, values.source};
  return entry_read(&values, entry);
}

struct view row_normal(struct db_statement *row) {
  return db_text(row, 16);
}

struct view row_target(struct db_statement *row) {
  return db_text(row, 17);
}
