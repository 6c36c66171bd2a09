/* Applies a recipe to a stream of rows: which of them are the answer, and in which order. Pure.
 *
 *   apply_create -> apply_row, for each row of the source in its order -> apply_finish
 *
 * An answer that keeps the order of its source is decided row by row; where rows may stand in
 * another order (derive/ties.h), also those behind the window count that may have to stand inside
 * it. An answer that is sorted is known at the end: sort keys, digests and positions are kept, in
 * bounded memory, and only of rows that may still matter. Either way a row of which something is
 * not certain ends the attempt, unless it cannot matter. Values are read during the call only. One
 * thread at a time. */
#pragma once

#include "base/check.h"
#include "derive/reason.h"
#include "derive/rules.h"
#include "rows/value.h"

struct apply;

enum apply_verdict {
  APPLY_TAKE,   /* the row is the next one of the answer */
  APPLY_LEAVE,  /* it is not in the answer */
  APPLY_HOLD,   /* apply_finish() knows */
  APPLY_ENOUGH, /* neither this row nor a later one is in the answer */
  APPLY_GIVE_UP /* the query cannot be derived: apply_reason() */
};

/* `recipe` must outlive it. `most` is the memory in bytes that sorting may take, beside one row's
 * key. NULL: no memory. */
struct apply *apply_create(const struct derive_recipe *recipe, size_t most) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void apply_release(struct apply **apply);

/* After GIVE_UP no further row; after ENOUGH none is needed. Positions (struct row) rise from row to
 * row. */
enum apply_verdict apply_row(struct apply *apply, const struct row *row);

/* The source has ended, or ENOUGH was said. False: the query cannot be derived. */
bool apply_finish(struct apply *apply) MUST_CHECK;

/* The number of rows in the answer, so far or, where it is sorted, after apply_finish(). */
int64_t apply_results(const struct apply *apply);

/* Where the answer is sorted, and apply_finish() was true: where each row of the answer lies in the
 * source, in the answer's order. Lives as long as `apply`. */
const struct row_place *apply_places(const struct apply *apply);

/* Why the query cannot be derived; POSSIBLE while it can. */
enum derive_reason apply_reason(const struct apply *apply);
