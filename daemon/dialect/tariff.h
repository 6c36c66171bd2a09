/* The price of one question, in the currency of its upstream. A plain value: it does not change
 * when the configuration does. Pure. */
#pragma once

#include "base/money.h"

struct tariff {
  struct amount fixed;  /* for the request itself, with the parameters that it has */
  struct amount result; /* for each result; of the same currency */
  struct amount least;  /* a request costs no less; of the same currency */
  int64_t limit;        /* results at most; if not known, the most that any answer can have */
  bool may_be_free;     /* for this question upstream may charge nothing, whatever the price */
  bool estimated;       /* the price is the usual one, as this question's is not known */
};

/* The price with so many results (not negative): for the request and the results, but at least
 * `least`. */
struct amount tariff_cost(const struct tariff *tariff, int64_t results);
/* The highest price that the question can have. */
struct amount tariff_most(const struct tariff *tariff);

/* The cost of an answer, as far as it is known. */
struct answer_cost {
  struct amount spent; /* by all sends; if not known, the most that it can be */
  struct amount once;  /* by one send: the saving of a request that sends nothing */
  bool is_known;
};
