/* Rows of cache.db, as statements give and take them. */
#pragma once

#include "cache/cache.h"
#include "db/db.h"

#include <zstd.h>

/* A chunk's rowid is id << CHUNK_BITS | number. */
#define CHUNK_BITS 24
#define CHUNKS_MAX ((int64_t)1 << CHUNK_BITS)
#define ID_MAX (((int64_t)1 << 39) - 1)
#define CHUNK_BOUND ZSTD_COMPRESSBOUND(CACHE_CHUNK_SIZE)
/* What a chunk takes in the file beside its data: its cell, and its share of half-filled pages.
 * With pages of 4096 bytes, measured on JSON rows, the file is 2 to 4 % larger than the data. */
#define CHUNK_OVERHEAD 400

/* A digest as a value. */
static inline struct db_value row_digest(const struct digest *digest) {
  return DB_BLOB(((struct view){(const char *)digest->bytes, DIGEST_SIZE}));
}
/* The columns of find_entry, list_entries and show_entries; false when they cannot be right. */
bool row_read(struct db_statement *row, int64_t *id, struct cache_entry *entry) MUST_CHECK;
/* It becomes a header of a reply: false for what is too long, or could end the line. */
bool row_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) MUST_CHECK;
