/* Values of rows of cache.db, as statements take and return them. */
#pragma once

#include "cache/cache.h"
#include "db/db.h"

/* A digest as a value of a statement; valid as long as the digest. */
static inline struct db_value row_digest(const struct digest *digest) {
  return DB_BLOB(((struct view){(const char *)digest->bytes, DIGEST_SIZE}));
}
/* Reads the first columns of find_entry, list_entries and show_entries; `*id` is filled in any
 * case. False: a published result cannot have these values. */
bool row_read_entry(struct db_statement *row, int64_t *id, struct cache_entry *entry) MUST_CHECK;
