/* The numbers of rows in the SQLite engine: results count from 1. A chunk's row id is its result's
 * id << 24 | the chunk's number, so the chunks of a result are side by side in the file. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

#define ROWID_CHUNK_BITS 24
#define ROWID_CHUNKS_MOST (INT64_C(1) << ROWID_CHUNK_BITS) /* of a result */
#define ROWID_MOST ((INT64_C(1) << (63 - ROWID_CHUNK_BITS)) - 1)

/* True if a result can have this id. */
static inline bool rowid_is_valid(int64_t id) {
  return id > 0 && id <= ROWID_MOST;
}

/* True if a result can have a chunk with this number, from 0. */
static inline bool rowid_has_chunk(int64_t number) {
  return number >= 0 && number < ROWID_CHUNKS_MOST;
}

/* The row id of chunk `number` of the result `id`; both are valid. */
static inline int64_t rowid_of_chunk(int64_t id, int64_t number) {
  CHECK(rowid_is_valid(id) && rowid_has_chunk(number));
  return id << ROWID_CHUNK_BITS | number;
}

/* The first and the last row id that a chunk of the result can have. */
static inline int64_t rowid_first_chunk(int64_t id) {
  return rowid_of_chunk(id, 0);
}
static inline int64_t rowid_last_chunk(int64_t id) {
  return rowid_of_chunk(id, ROWID_CHUNKS_MOST - 1);
}
