/* The price of one question, in tenths of a row. A plain value: it does not change when the
 * configuration does. Pure. */
#pragma once

#include "base/money.h"

struct tariff {
  struct rows fixed;  /* for the request itself, with what it uses */
  struct rows result; /* for each result */
  int64_t limit;      /* results at most; where that is not known, the most of any answer */
  bool estimated;     /* the usual price, as the question's own is not known */
};

/* The price with that many results (not negative). */
struct rows tariff_cost(const struct tariff *tariff, int64_t results);
/* The highest price that the question can have. */
struct rows tariff_most(const struct tariff *tariff);
