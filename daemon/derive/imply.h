/* Is every row of one condition a row of another? Pure. */
#pragma once

#include "query/condition.h"

/* True if under each sensible reading (READINGS.md) every row that satisfies `narrow` satisfies
 * `wide`, be the row what it may. Two different functions of a column may have two readings: in one
 * that ignores case and another that does not, `=` does not imply `substring`. */
bool imply_condition(const struct condition *narrow, const struct condition *wide);

/* True if the two are the same condition, which has one meaning whatever it is. */
bool imply_same(const struct condition *a, const struct condition *b);
