#include "cache/row.h"

#include <string.h>

bool row_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) {
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

bool row_read(struct db_statement *statement, int64_t *id, struct cache_entry *entry) {
  struct view key = db_blob(statement, 1);
  if (key.length != DIGEST_SIZE)
    return false;
  memcpy(entry->key.bytes, key.at, DIGEST_SIZE);
  struct view validator = db_blob(statement, 9);
  if (validator.length != sizeof entry->validator.bytes)
    return false;
  memcpy(entry->validator.bytes, validator.at, validator.length);
  *id = db_integer(statement, 0);
  entry->results = db_integer(statement, 2);
  entry->body_length = db_integer(statement, 3);
  entry->stored_bytes = db_integer(statement, 4);
  entry->cost = (struct rows){db_integer(statement, 5)};
  entry->answered_at = db_integer(statement, 6);
  entry->hits = db_integer(statement, 7);
  return *id > 0 && *id <= ID_MAX && entry->results >= 0 && entry->stored_bytes >= 0 &&
         is_length(entry->body_length, entry->stored_bytes) && entry->cost.tenths >= 0 &&
         entry->answered_at >= 0 && entry->hits >= 0 &&
         row_read_content_type(db_text(statement, 8), entry->content_type);
}
