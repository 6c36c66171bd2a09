#include "cache/entry.h"

#include "cache/chunk.h"
#include "cache/rowid.h"

#include <string.h>

bool entry_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) {
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

static bool read_bytes(struct view from, uint8_t *to, size_t size) {
  if (from.length != size)
    return false;
  memcpy(to, from.at, size);
  return true;
}

/* True if a body of this length can have been stored in so many bytes: each chunk takes some. */
static bool is_length(int64_t length, int64_t stored) {
  const int64_t size = (int64_t)CACHE_CHUNK_SIZE;
  return length >= 0 && length <= ROWID_CHUNKS_MOST * size &&
         length / size <= stored / CHUNK_OVERHEAD;
}

static bool is_currency(int64_t currency) {
  return currency >= 0 && currency < CURRENCIES;
}

static bool read_subject(struct view from, struct digest *subject) {
  *subject = (struct digest){0};
  return !from.length || read_bytes(from, subject->bytes, sizeof subject->bytes);
}

/* A source was stored before what was computed from it. */
static bool is_source(int64_t source, int64_t id) {
  return source >= 0 && source < id;
}

bool entry_read(const struct entry_values *values, struct cache_entry *entry) {
  enum currency currency = is_currency(values->currency) ? (enum currency)values->currency
                                                         : CURRENCY_ROWS; /* refused below */
  entry->results = values->results;
  entry->body_length = values->body_length;
  entry->stored_bytes = values->stored_bytes;
  entry->cost = (struct amount){currency, values->cost};
  entry->answered_at = values->answered_at;
  entry->hits = values->hits;
  entry->saved = (struct amount){currency, values->saved};
  entry->listed = values->listed;
  entry->is_derived = values->source != 0;
  entry->may_be_cut = values->may_be_cut != 0;
  return rowid_is_valid(values->id) && is_source(values->source, values->id) &&
         values->results >= 0 && values->stored_bytes >= 0 &&
         is_length(values->body_length, values->stored_bytes) && values->cost >= 0 &&
         is_currency(values->currency) && values->answered_at >= 0 && values->hits >= 0 &&
         values->saved >= 0 && values->listed >= CACHE_NOT_LISTED &&
         read_bytes(values->key, entry->key.bytes, sizeof entry->key.bytes) &&
         read_bytes(values->validator, entry->validator.bytes, sizeof entry->validator.bytes) &&
         read_subject(values->subject, &entry->subject) &&
         entry_read_content_type(values->content_type, entry->content_type);
}
