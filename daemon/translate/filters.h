/* What v3 is asked for v2's conditions (translate/conditions.h): filters that let through all rows
 * that the conditions can let through. Pure. */
#pragma once

#include "base/text.h"
#include "query/query.h"

/* Appends the filters of the query's conditions, each with a comma in front, all of which must
 * hold. */
void filters_write(const struct query *query, struct text *out);
