/* Does a row satisfy a filter, `where` of v3? Pure.
 *
 * The answer is TRUE or FALSE only where all readings of what Ahrefs leaves open agree (READINGS.md,
 * "Filters of v3"). A comparison with null may be true, false, or open: neither it nor its opposite
 * holds then. So a part of a filter is judged by the set of what it may say, and only the whole
 * filter by a truth. */
#pragma once

#include "derive/truth.h"
#include "query/endpoint.h"
#include "query/filter.h"
#include "rows/value.h"

/* True if upstream certainly accepts the filter rather than answering with an error, and each of its
 * conditions is one that filter_judge_row() tells something of. */
bool filter_judge_accepts(const struct filter *filter, const struct endpoint *endpoint);

/* For a filter that filter_judge_accepts() accepts. FALSE: the row is certainly left out. */
enum truth filter_judge_row(const struct filter *filter, const struct endpoint *endpoint,
                            const struct row *row);
