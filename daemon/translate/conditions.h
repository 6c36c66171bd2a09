/* v2's conditions on v3: which of them can be asked at all, what v3 is asked so that no row is
 * missing, and the last word on a row. Pure.
 *
 * What v3 is asked (translate/filters.h) lets through all rows that v2's conditions can let
 * through. Every condition is then judged on v2's row by derive/judge.h; where that cannot tell,
 * the translation fails rather than guess. What can never be told is refused before anything is
 * asked (conditions_check). Three readings are used:
 *
 *   ratings  a rating of v2 is that of v3, rounded half up (v3's reference).
 *   times    a bound of first_seen or last_visited that is written as their values are is that
 *            moment. v2 documents days alone, of which it is open what they take in.
 *   accents  v2 may have minded case or not; what stands in a text is found by v3's isubstring,
 *            which does not. That v2 took an accented letter for its plain one is not assumed, as
 *            v3 could not be asked for it. A value beyond ASCII is looked for in all rows. */
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

/* The condition with this number in `where`, then in `having`; NULL: there are no more. Both filter
 * alike, as this table groups nothing. */
const struct condition *conditions_at(const struct query *query, size_t number);
/* True if the condition has a time itself as the bound of a time; fills it (translate/scalar.h). */
bool conditions_moment(const struct condition *condition, int64_t *moment);

/* The columns of the conditions, a set of schema_bit(). The rest is for a query that
 * conditions_check() accepts. */
uint32_t conditions_columns(const struct query *query);

/* The changes that the conditions on `type` let through: a set of 1 << enum change. */
unsigned conditions_changes(const struct query *query);

/* By the conditions on `date`; without a lower bound the last days that v2 had, of which `today` is
 * the last. */
struct window conditions_window(const struct query *query, int32_t today);

/* True if a row may show that a condition cannot be judged. Then the first page is a small one, so
 * that little is paid for what is refused. */
bool conditions_are_doubtful(const struct query *query);
/* The condition that has a day as a bound of a time; NULL: none. The rows next to that day
 * decide. */
const struct condition *conditions_bound(const struct query *query);

/* Do all conditions hold for v2's row? UNKNOWN: and *open is the first that cannot be judged. */
enum truth conditions_judge(const struct query *query, const struct row *row,
                            const struct condition **open);
