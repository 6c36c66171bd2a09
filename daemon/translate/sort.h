/* The rows of the answer: kept as they come, dropped again, counted, sorted. Pure.
 *
 * Keys rise: a caller turns those of a descending order. Rows that are equal in place and keys keep
 * the order in which they came. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/schema.h"

#include <stddef.h>
#include <stdint.h>

/* A place in the order of phases (translate/streams.h) and keys: of a row, or of all rows that begin
 * with these keys. */
struct sort_place {
  int phase;
  size_t known; /* so many keys */
  int64_t keys[SCHEMA_COLUMNS];
  bool is_behind; /* behind all rows in that place; otherwise in front of them */
};

/* The least size of a row in memory, beside its text. */
#define SORT_ROW_SIZE ((size_t)32)

struct sort;

/* Rows with `keys` keys each, in at most `most` bytes; the answer takes as much again. NULL: no
 * memory. */
struct sort *sort_create(size_t keys, size_t most) MUST_CHECK;
void sort_release(struct sort **sort);

/* Keeps a row; its text and keys are copied. False (FAULT_UNTRANSLATABLE): more rows than fit. */
bool sort_add(struct sort *sort, int phase, const int64_t *keys, struct view text,
              struct fault *fault) MUST_CHECK;

/* The number of rows. */
size_t sort_count(const struct sort *sort);
/* The bytes that the rows take. */
size_t sort_memory(const struct sort *sort);
/* Forgets all rows but the first `count` that came. */
void sort_cut(struct sort *sort, size_t count);

/* The number of rows before the place. */
int64_t sort_count_before(const struct sort *sort, const struct sort_place *place);

/* Negative, 0 or positive, as for qsort(). */
int sort_order(const struct sort_place *a, const struct sort_place *b);

/* Sorts, and writes the rows from number `from` up to `to`, with commas between them. Returns how
 * many. Nothing may be added after it. */
int64_t sort_write(struct sort *sort, int64_t from, int64_t to, struct text *out);
