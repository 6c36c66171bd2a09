/* Numbers, ratings, times and booleans of v3, as one kind of whole number that orders and compares
 * them. Pure.
 *
 * A scalar of an INT is its value, of up to 18 digits; of a BOOLEAN 0 or 1; of a FLOAT it counts
 * millionths of one, and of a TIME millionths of a second since 1970. */
#pragma once

#include "base/check.h"
#include "base/num.h"
#include "base/text.h"
#include "query/endpoint.h"
#include "rows/value.h"

#include <stdint.h>

#define SCALAR_ONE INT64_C(1000000)
#define SCALAR_DAY (NUM_DAY * SCALAR_ONE)

/* False: the value is none of its column's type, is null, or is too large. An exponent is not read:
 * v3 has shown none. */
bool scalar_read(enum endpoint_type type, const struct value *value, int64_t *scalar) MUST_CHECK;

/* Writes it as JSON of the type. A time is written in whole seconds: rounded down, or `up`. */
void scalar_write(enum endpoint_type type, int64_t scalar, bool up, struct text *out);

/* The largest multiple of `unit` up to it, in units: seconds, days. */
int64_t scalar_floor(int64_t scalar, int64_t unit);
