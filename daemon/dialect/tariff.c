#include "dialect/tariff.h"

struct rows tariff_cost(const struct tariff *tariff, int64_t results) {
  return rows_add(tariff->fixed, rows_times(tariff->result, results));
}

struct rows tariff_most(const struct tariff *tariff) {
  return tariff_cost(tariff, tariff->limit);
}
