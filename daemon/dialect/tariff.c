#include "dialect/tariff.h"

struct amount tariff_cost(const struct tariff *tariff, int64_t results) {
  struct amount sum = amount_add(tariff->fixed, amount_times(tariff->result, results));
  return amount_order(sum, tariff->least) < 0 ? tariff->least : sum;
}

struct amount tariff_most(const struct tariff *tariff) {
  return tariff_cost(tariff, tariff->limit);
}
