/* The query that upstream is asked for a client's, by the settings. Does not block; any thread. */
#pragma once

#include "query/query.h"
#include "settings/settings.h"

/* Makes the query that is asked in the place of `query`; *wide is NULL if that is itself. The caller
 * owns *wide. False: no memory. */
bool wide_query(const struct settings *settings, const struct query *query, struct query **wide,
                struct fault *fault) MUST_CHECK;
