#include "dialect/tariff.h"

struct amount tariff_cost(const struct tariff *tariff, int64_t results) {
  return amount_add(tariff->fixed, amount_times(tariff->result, results));
}

struct amount tariff_most(const struct tariff *tariff) {
  return tariff_cost(tariff, tariff->limit);
}
