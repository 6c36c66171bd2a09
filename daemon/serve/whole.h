/* Is the whole of a target bought before a query is asked (cache.buy_whole)? For a client's request
 * and for `explain` alike. The rule: plan/whole.h. */
#pragma once

#include "serve/facts.h"

/* The whole that is asked for first. Begins as {0}. */
struct whole_choice {
  struct query *query; /* the caller releases it; NULL: none is */
  struct amount offer; /* the most that it may cost */
};

/* True if, by this plan, the whole may be tried now for the inquiry's query. Not after a source was
 * tried in vain: a stored whole would have been that source, and a new one would be of no more use.
 * Pure. */
bool whole_may_be_tried(const struct inquiry *inquiry, const struct plan *plan);

/* Applies the rule at the moment `at` (milliseconds since 1970) to the inquiry's query, which has
 * this subject. Fills `choice`, or leaves {0} if no whole is asked for. False: no memory, or the
 * ledger cannot be read. Blocks on the disk; any thread, under no lock. */
bool whole_choose(const struct inquiry *inquiry, const struct digest *subject, int64_t at,
                  struct whole_choice *choice, struct fault *fault) MUST_CHECK;

/* True if `query` can be answered from a complete whole. A request then joins a whole that is under
 * way. False, too, for lack of memory. Pure. */
bool whole_may_hold(const struct query *query);
/* True if `query` can be answered from the chosen whole also if that is not complete. Pure. */
bool whole_suffices(const struct whole_choice *choice, const struct query *query);
