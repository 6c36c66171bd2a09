/* Which calls of an endpoint without a price may be expected to cost the same. Pure.
 *
 * Two are alike if they have the same method and parameters, and each parameter has the same value:
 * for `select`, `where`, `order_by` and plain numbers (a limit, a depth), which may multiply the cost,
 * to the letter; for all others (a target, a day, keywords) as a list of equally many elements.
 * Bodies are alike if they have equally many commas, and lengths with equally many bits. */
#pragma once

#include "base/check.h"
#include "query/call.h"
#include "query/question.h"

#define LIKENESS_SIZE (CALL_PATH_MAX + 18) /* with NUL */

/* Writes a name for all that are alike: the path, a space and 16 hex digits. For a question with a
 * call. False: no memory. */
bool likeness_name(const struct question *question, char name[LIKENESS_SIZE]) MUST_CHECK;
