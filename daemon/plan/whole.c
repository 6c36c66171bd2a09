#include "plan/whole.h"

#include "query/limits.h"

static struct amount offer_of(const struct whole_facts *facts) {
  struct amount offer = amount_subtract(amount_add(facts->slices, facts->most), facts->wholes);
  return amount_is_negative(offer) ? amount_zero(offer.currency) : offer;
}

/* Where results cost nothing there is nothing to save: none. */
static int64_t limit_of(const struct whole_facts *facts, struct amount offer) {
  if (amount_is_zero(facts->result) || amount_order(offer, facts->fixed) < 0)
    return 0;
  int64_t limit = amount_subtract(offer, facts->fixed).parts / facts->result.parts;
  return limit < QUERY_LIMIT_MAX ? limit : QUERY_LIMIT_MAX;
}

struct whole_plan plan_whole(const struct whole_facts *facts) {
  struct amount offer = offer_of(facts);
  struct amount twice = amount_add(facts->last_offer, facts->last_offer);
  int64_t limit = limit_of(facts, offer);
  return (struct whole_plan){.is_tried =
                                 limit >= WHOLE_RESULTS_LEAST && amount_order(offer, twice) >= 0,
                             .offer = offer,
                             .limit = limit};
}
