/* Values of rows of cache.db, as statements take and return them. */
#pragma once

#include "cache/cache.h"
#include "db/db.h"

/* A digest as a value of a statement; valid as long as the digest. */
static inline struct db_value row_digest(const struct digest *digest) {
  return DB_BLOB(((struct view){(const char *)digest->bytes, DIGEST_SIZE}));
}
/* Row ids, which cache.h does not know. */
struct row_ids {
  int64_t id;
  int64_t source; /* of the entry that this one was computed from; 0: none */
};
/* Reads the first columns of find_entry, list_entries, show_entries and list_sources; `*ids` are
 * filled in any case. False: a published result cannot have these values. */
bool row_read_entry(struct db_statement *row, struct row_ids *ids,
                    struct cache_entry *entry) MUST_CHECK;
/* The columns after these, if the statement has them; valid until its next step. */
struct view row_normal(struct db_statement *row);
struct view row_target(struct db_statement *row);
