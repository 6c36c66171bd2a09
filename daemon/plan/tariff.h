/* What a request to v2 costs, in tenths of a row. Pure. Source: the reference page of v2, "Price";
 * the amounts are the configuration's. */
#pragma once

#include "base/money.h"
#include "query/query.h"
#include "settings/settings.h"

/* One query's price. A plain value: it stays what it was although the configuration changes. */
struct tariff {
  struct rows fixed;  /* for the request itself, with what it uses */
  struct rows result; /* for each result */
  int64_t limit;      /* results at most; as many as any answer can have where that is not known */
  bool estimated;     /* another table: the usual price, not its own */
};

struct tariff tariff_for(const struct settings *settings, const struct query *query);

/* Of a request whose meaning is not known: the dearest that it can be, as an estimate. */
struct tariff tariff_for_unknown(const struct settings *settings);

/* With that many results (not negative). */
struct rows tariff_cost(const struct tariff *tariff, int64_t results);
/* The most that it can cost. */
struct rows tariff_most(const struct tariff *tariff);
