/* Comparisons in v3's `where` (query/filter.h), as JSON. Pure. */
#pragma once

#include "base/text.h"
#include "translate/mapping.h"

#include <stdint.h>

/* Appends the comparison of a column with `value`, which is JSON. `op`: v3's operator. */
void compare_write(struct text *out, enum mapping_source source, const char *op, struct view value);

/* The same with a scalar of the column's type (translate/scalar.h). A time is written in whole
 * seconds: rounded up if it is an upper bound ("lt", "lte"), else down. */
void compare_write_scalar(struct text *out, enum mapping_source source, const char *op,
                          int64_t scalar);
