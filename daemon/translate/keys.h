/* The sort keys of v2's rows: numbers that rise in the order of `order_by`. Pure. */
#pragma once

#include "base/fault.h"
#include "query/columns.h"
#include "rows/value.h"

#include <stdint.h>

/* Fills one key for each column of `order`. False (FAULT_UNTRANSLATABLE): the row has null there, or
 * something that is not of the column's type. */
bool keys_of(const struct columns *order, const struct row *row, int64_t *keys,
             struct fault *fault) MUST_CHECK;
