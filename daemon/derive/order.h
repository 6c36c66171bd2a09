/* `order_by` on rows. Pure. Only for the files of derive, and its tests.
 *
 * A row is compared by its key: the values of the columns of `order_by`, in its order. Every column
 * is in the schema. */
#pragma once

#include "derive/truth.h"
#include "query/columns.h"
#include "rows/value.h"

/* The relation under every sensible reading (READINGS.md, "Order"). EQUAL: the same bytes in every
 * column of the key, which upstream cannot tell apart. */
enum order order_keys(const struct columns *by, const struct value *a, const struct value *b);

/* One concrete reading, for qsort(): a total order of keys that agrees with order_keys() where that
 * is known. */
int order_by_bytes(const struct columns *by, const struct value *a, const struct value *b);
