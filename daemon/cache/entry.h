/* Checks the entry of a stored result: its values come from the disk and are not trusted. Pure. */
#pragma once

#include "cache/cache.h"

/* One row as it was read from the disk. */
struct entry_values {
  int64_t id;
  struct view key, validator, content_type;
  struct view subject; /* empty: none */
  int64_t source;      /* 0: none */
  int64_t results, body_length, stored_bytes, cost, currency, answered_at, hits, saved;
  int64_t listed;     /* CACHE_NOT_LISTED: not known */
  int64_t may_be_cut; /* 0: no */
};

/* Fills `entry`. False: a published result cannot have these values, and `entry` is of no use. */
bool entry_read(const struct entry_values *values, struct cache_entry *entry) MUST_CHECK;
/* Copies a content type, which becomes a header of a reply. False: it is too long, or not printable
 * ASCII. */
bool entry_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) MUST_CHECK;
