/* The entry of a stored result, checked: its values come from the disk and are not trusted.
 * Pure. */
#pragma once

#include "cache/cache.h"

/* One row as the disk has it. */
struct entry_values {
  int64_t id;
  struct view key, validator, content_type;
  int64_t results, body_length, stored_bytes, cost, currency, answered_at, hits;
};

/* False if they cannot be those of a published result; `entry` is then of no use. */
bool entry_read(const struct entry_values *values, struct cache_entry *entry) MUST_CHECK;
/* Copies a content type, which becomes a header of a reply: false for what is too long, or could
 * end the line. */
bool entry_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) MUST_CHECK;
