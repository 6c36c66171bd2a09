/* The query that upstream is asked for a client's. */
#pragma once

#include "serve/facts.h"

/* Makes the wider query of `query`, as the settings have it; *wide is NULL if there is none. The
 * caller owns *wide. False: no memory. Does not block; any thread. */
bool wide_of(const struct settings *settings, const struct query *query, struct query **wide,
             struct fault *fault) MUST_CHECK;

/* Makes the wider query that is asked in place of the inquiry's, by this plan; *wide is NULL if the
 * inquiry's own is asked. `token`: as for facts_gather(). The caller owns *wide. False: no memory.
 * Blocks on the disk; any thread, under no lock. */
bool wide_query(const struct inquiry *inquiry, const struct token_facts *token,
                const struct plan *plan, struct query **wide, struct fault *fault) MUST_CHECK;
