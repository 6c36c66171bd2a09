#include "dialect/v2_price.h"

#include "base/num.h"

static bool is_free(const struct settings *settings, const struct question *question) {
  for (size_t i = 0; i < settings->free_targets.count; i++)
    if (num_same_word(question->host, view_of(settings->free_targets.items[i])))
      return true;
  return false;
}

static struct tariff tariff_of(struct rows fixed, struct rows result) {
  return (struct tariff){.fixed = amount_of_rows(fixed),
                         .result = amount_of_rows(result),
                         .least = amount_zero(CURRENCY_ROWS)};
}

/* A parameter is charged if it is present, even if it is empty. */
static struct tariff price_results(const struct settings *settings,
                                   const struct question *question) {
  struct rows fixed = settings->tariff_request;
  if (question->where)
    fixed = rows_add(fixed, settings->tariff_where);
  if (question->having)
    fixed = rows_add(fixed, settings->tariff_having);
  if (question->offset)
    fixed = rows_add(fixed, settings->tariff_offset);
  return tariff_of(fixed, settings->tariff_result);
}

static struct tariff price_other(const struct settings *settings) {
  return tariff_of(settings->tariff_other_request, settings->tariff_other_result);
}

static struct rows dearer(struct rows a, struct rows b) {
  return rows_order(a, b) > 0 ? a : b;
}

/* The highest price that any request can have. */
static struct tariff price_unknown(const struct settings *settings) {
  struct rows fixed = rows_add(settings->tariff_request, settings->tariff_offset);
  fixed = rows_add(fixed, rows_add(settings->tariff_where, settings->tariff_having));
  return tariff_of(dearer(fixed, settings->tariff_other_request),
                   dearer(settings->tariff_result, settings->tariff_other_result));
}

static struct tariff price_by_kind(const struct settings *settings,
                                   const struct question *question) {
  switch (question->kind) {
  case QUESTION_RESULTS:
  case QUESTION_OPAQUE:
    return is_free(settings, question) ? tariff_of(ROWS(0), ROWS(0))
                                       : price_results(settings, question);
  case QUESTION_OTHER:
    return price_other(settings);
  case QUESTION_UNKNOWN:
  case QUESTION_CALL: /* v2 has no calls */
  case QUESTION_CALL_OTHER:
    return price_unknown(settings);
  case QUESTION_SUBSCRIPTION:
    break;
  }
  return tariff_of(ROWS(0), ROWS(0));
}

/* Upstream reads another table's limit: a text that is no number here may be one there. */
struct tariff v2_price(const struct settings *settings, const struct question *question) {
  struct tariff tariff = price_by_kind(settings, question);
  bool is_stated = question->limit >= 0 && question->kind != QUESTION_UNKNOWN;
  tariff.estimated = question->kind == QUESTION_OTHER || question->kind == QUESTION_UNKNOWN;
  tariff.limit = is_stated ? question->limit : QUERY_LIMIT_MAX;
  return tariff;
}
