/* The rows of a window of a sorted whole, where only what is certain counts. Pure. Only for the
 * files of derive, and its tests.
 *
 * A row's place is certain if order_keys() knows its relation to its neighbours in the window, and
 * the relation of the window's first and last row to everything outside. Rows that tie are a guess,
 * unless the client sees the same bytes of both. */
#pragma once

#include "base/check.h"
#include "base/digest.h"
#include "derive/reason.h"
#include "query/columns.h"
#include "rows/value.h"

#include <stdint.h>

struct sorter;

struct sorter_row {
  struct row_place place;  /* positions rise from row to row */
  const struct value *key; /* one value for each column of the order; copied */
  struct digest shown;     /* of what the client sees of it */
  bool is_doubtful;        /* it is not certain that the row is in the whole, or how it is shown */
};

/* Rows `from` up to `to` (from < to) of the whole in the order `by`, which must outlive it; in
 * `most` bytes of memory. NULL: no memory. */
struct sorter *sorter_create(const struct columns *by, int64_t from, int64_t to,
                             size_t most) MUST_CHECK;
void sorter_release(struct sorter **sorter);

/* True if a row with this key is certainly behind the window, by the rows that were added. Such a
 * row need not be added, nor what the client would see of it be worked out. */
bool sorter_is_behind(const struct sorter *sorter, const struct value *key);

/* POSSIBLE or MEMORY; after MEMORY no further row. */
enum derive_reason sorter_add(struct sorter *sorter, const struct sorter_row *row);

/* Sorts. POSSIBLE, or why the window is not certain. */
enum derive_reason sorter_finish(struct sorter *sorter);

/* After POSSIBLE: the places of the window's rows. */
const struct row_place *sorter_places(const struct sorter *sorter, size_t *count);
