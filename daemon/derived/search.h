/* Finding the stored result from which the answer to a query can be computed.
 *
 * Candidates are upstream's own results of the query's subject (table, target and mode), which an
 * index finds. derive/rules.h judges them by what was asked for; whether the rows allow it shows
 * when they are computed (derived/derived.h). */
#pragma once

#include "cache/cache.h"
#include "derive/reason.h"
#include "query/query.h"

/* The most candidates that are looked at: those with the fewest conditions come first, and of these
 * the longest, as they hold the most. */
#define DERIVED_CANDIDATES_MOST 64

struct derived_search {
  struct cache *cache;
  const struct query *wanted;
  const struct query *wide;  /* what upstream would be asked; NULL: `wanted` itself */
  int64_t now;               /* seconds since 1970 */
  int64_t fresh, usable;     /* ages in seconds, negative for none: struct plan_ages */
  const struct digest *vain; /* the key of a result that was tried in vain; NULL: none */
  enum currency currency;    /* of results that came from the present API; others are no sources */
  int64_t cap;               /* see struct derive_source */
};

/* A source. Begins as {0}. */
struct derived_source {
  struct cache_hold *hold; /* NULL: there is none */
  struct query *query;     /* what it answers */
};

/* Finds the source:
 *   1. the result of `wide`, if it is fresh: it has the rows of the answer and no others;
 *   2. else the fresh candidate with the shortest body, which is cheap to compute from; of about
 *      equally short ones the newest;
 *   3. if none is fresh, the newest that is usable.
 * The caller releases `source`, which is {0} if there is none; what prevents the search is logged.
 * Blocks on the disk; any thread, under no lock. */
void derived_find(const struct derived_search *search, struct derived_source *source);

/* Releases both and leaves {0}. */
void derived_source_release(struct derived_source *source);

/* Calls `each` for each candidate that is usable, with what the rules say of it; `vain` is not
 * looked at. The views hold during the call only. FAULT_UNAVAILABLE: the cache cannot be read. */
bool derived_candidates(const struct derived_search *search,
                        void (*each)(void *context, const struct cache_entry *entry,
                                     struct view normal, enum derive_reason reason),
                        void *context, struct fault *fault) MUST_CHECK;
