#include "plan/tariff.h"

#include "base/num.h"
#include "query/limits.h"

static bool is_free(const struct settings *settings, const struct query *query) {
  struct view host = query_target_host(query);
  for (size_t i = 0; i < settings->free_targets.count; i++)
    if (num_same_word(host, view_of(settings->free_targets.items[i])))
      return true;
  return false;
}

static struct tariff price(const struct settings *settings, const struct query *query) {
  struct tariff tariff = {.fixed = settings->tariff_request, .result = settings->tariff_result};
  if (query_has_where(query))
    tariff.fixed = rows_add(tariff.fixed, settings->tariff_where);
  if (query_has_having(query))
    tariff.fixed = rows_add(tariff.fixed, settings->tariff_having);
  if (query_sends_offset(query))
    tariff.fixed = rows_add(tariff.fixed, settings->tariff_offset);
  return tariff;
}

struct tariff tariff_for(const struct settings *settings, const struct query *query) {
  struct tariff tariff = {0};
  enum query_table table = query_table(query);
  bool is_ours = table == QUERY_BACKLINKS_NEW_LOST;
  if (table != QUERY_SUBSCRIPTION_INFO && !is_free(settings, query))
    tariff = is_ours ? price(settings, query)
                     : (struct tariff){.fixed = settings->tariff_other_request,
                                       .result = settings->tariff_other_result};
  /* Another table's limit is upstream's to judge: one that is no number here may be any there. */
  tariff.limit = query_limit(query) < 0 ? QUERY_LIMIT_MAX : query_limit(query);
  tariff.estimated = table == QUERY_OTHER;
  return tariff;
}

static struct rows dearer(struct rows a, struct rows b) {
  return a.tenths > b.tenths ? a : b;
}

struct tariff tariff_for_unknown(const struct settings *settings) {
  struct rows fixed = rows_add(settings->tariff_request, settings->tariff_offset);
  fixed = rows_add(fixed, rows_add(settings->tariff_where, settings->tariff_having));
  return (struct tariff){.fixed = dearer(fixed, settings->tariff_other_request),
                         .result = dearer(settings->tariff_result, settings->tariff_other_result),
                         .limit = QUERY_LIMIT_MAX,
                         .estimated = true};
}

struct rows tariff_cost(const struct tariff *tariff, int64_t results) {
  return rows_add(tariff->fixed, rows_times(tariff->result, results));
}

struct rows tariff_most(const struct tariff *tariff) {
  return tariff_cost(tariff, tariff->limit);
}
