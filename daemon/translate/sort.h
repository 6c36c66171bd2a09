/* The rows of the answer: kept as they come, dropped again, counted, sorted. Pure.
 *
 * Keys rise: a caller turns those of a descending order. Rows that are equal in place and keys keep
 * the order in which they came. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

/* Where a row stands in the answer as far as v3's order tells (translate/streams.h). */
struct sort_place {
  int phase;
  int64_t key;
};

/* The least size of a row in memory, beside its text. */
#define SORT_ROW_SIZE ((size_t)48)

struct sort;

/* Rows with `keys` keys each, in at most `most` bytes; the answer takes as much again. NULL: no
 * memory. */
struct sort *sort_create(size_t keys, size_t most) MUST_CHECK;
void sort_release(struct sort **sort);

/* Keeps a row; its text and keys are copied. False (FAULT_UNTRANSLATABLE): more rows than fit. */
bool sort_add(struct sort *sort, struct sort_place place, const int64_t *keys, struct view text,
              struct fault *fault) MUST_CHECK;

/* The number of rows. */
size_t sort_count(const struct sort *sort);
/* Forgets all rows but the first `count` that came. */
void sort_cut(struct sort *sort, size_t count);

/* The number of rows before `place`, and with `ties` those in it. */
int64_t sort_count_before(const struct sort *sort, struct sort_place place, bool ties);

/* Sorts, and writes the rows from number `from` up to `to`, with commas between them. Returns how
 * many. Nothing may be added after it. */
int64_t sort_write(struct sort *sort, int64_t from, int64_t to, struct text *out);
