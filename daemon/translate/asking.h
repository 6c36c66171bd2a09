/* The request for one page, as v3 takes it. Pure. */
#pragma once

#include "base/fault.h"
#include "query/query.h"
#include "translate/conditions.h"
#include "translate/pages.h"

/* Makes the call for the next page of `pages`, of `limit` rows, for v2's query: its target, mode,
 * conditions and token. `window`: the days of which rows are needed. The caller owns *page. */
bool asking_write(const struct query *query, const struct window *window, const struct pages *pages,
                  int64_t limit, struct query **page, struct fault *fault) MUST_CHECK;
