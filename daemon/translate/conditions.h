/* v2's conditions on v3: which of them can be asked at all, what v3 is asked so that no row is
 * missing, and the last word on a row. Pure.
 *
 * What v3 is asked (conditions_filter) lets through all rows that v2's conditions can let through.
 * Every condition is then judged on v2's row by derive/judge.h; where that cannot tell, the
 * translation fails rather than guess. Three readings are used, because without them hardly any
 * query with such a condition could be answered:
 *
 *   ratings       a rating of v2 is that of v3, rounded half up (v3's reference).
 *   days as bounds  of first_seen and last_visited, which are times: a day is its first moment in
 *                 `>=` and `<`. The only other reading in which they differ takes a day for its last
 *                 moment, and nobody who writes `>=` with a day means to leave that day out. `>`,
 *                 `<=`, `=` and `<>` are refused: there the readings differ by a day.
 *   accents       a text is found by v3's isubstring, which minds neither case nor anything else
 *                 that v2 is known to have minded. That v2 took "é" for "e" is not assumed. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "derive/truth.h"
#include "query/query.h"
#include "rows/value.h"

#include <stdint.h>

struct condition;

/* The changes that can be in the answer: a set, and their days, both included. */
struct window {
  unsigned changes; /* a set of 1 << enum change; 0: the answer is empty */
  int32_t from, to;
};

/* False (FAULT_UNTRANSLATABLE): a condition is outside v2's grammar, on a column that v3 does not
 * have, or one whose meaning is not documented. */
bool conditions_check(const struct query *query, struct fault *fault) MUST_CHECK;

/* The columns of the conditions, a set of schema_bit(). The rest is for a query that
 * conditions_check() accepts. */
uint32_t conditions_columns(const struct query *query);

/* Events by the conditions on `type`: a set. */
unsigned conditions_changes(const struct query *query);

/* By the conditions on `date`; without a lower bound the last days that v2 had, of which `today` is
 * the last. */
struct window conditions_window(const struct query *query, int32_t today);

/* Appends v3's filters, each with a comma in front, all of which must hold. */
void conditions_filter(const struct query *query, struct text *out);

/* Do all conditions hold for v2's row? UNKNOWN: and *open is the first that cannot be judged. */
enum truth conditions_judge(const struct query *query, const struct row *row,
                            const struct condition **open);
