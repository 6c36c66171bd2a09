/* Does a row satisfy a condition of `where` or `having`? Pure.
 *
 * The reference leaves points open: case, days against times, collation, and more. READINGS.md
 * lists the readings of each. The answer is TRUE or FALSE only where all of them agree. */
#pragma once

#include "derive/truth.h"
#include "query/condition.h"
#include "rows/value.h"

/* True if upstream certainly accepts the condition rather than answering with an error, and it is
 * one that judge_row() tells something of: a column of the schema, an operator or function for its
 * type, a value as documented. */
bool judge_accepts(const struct condition *condition);

/* UNKNOWN for a condition that judge_accepts() does not accept. */
enum truth judge_row(const struct condition *condition, const struct row *row);
