/* Computing the answer from the source that the plan has found. */
#include "serve/derive.h"

#include "serve/request.h"

#include "base/clock.h"
#include "dialect/dialect.h"

struct derived_order derive_order(const struct inquiry *inquiry,
                                  const struct derived_source *source) {
  const struct question stored = question_of(source->query, NULL);
  struct derived_order order = {.desk = inquiry->serve->rooms.derived,
                                .wanted = inquiry->query,
                                .source = source->hold,
                                .source_normal = query_normal(source->query),
                                .cap = inquiry->settings->max_rows,
                                .shape = dialect_for(inquiry->settings)->shape(&stored),
                                .max_depth = inquiry->settings->max_depth,
                                .tariff = facts_price(inquiry->settings, inquiry->query),
                                .patience = inquiry->settings->stall_timeout * CLOCK_SECOND,
                                .conditions = query_condition_count(inquiry->query),
                                .store = !inquiry->wish.no_store};
  query_subject(inquiry->query, &order.subject);
  return order;
}

static bool begin(struct request *request) {
  const struct inquiry inquiry = request_inquiry(request);
  const struct derived_order order = derive_order(&inquiry, &request->found.source);
  request->computing = derived_join(&order, request_wake, request->exchange, &request->fault);
  if (!request->computing)
    return false;
  request->computed = flight_hold(flight_of(request->computing));
  return true;
}

/* Upstream was asked already, and its failure is why a stale source was tried. It is not asked
 * again: that may cost. */
static enum step fail(struct request *request) {
  const struct flight_state *seen = &request->seen;
  if (request->flight && seen->end == FLIGHT_REFUSED)
    return request_fail(request, &seen->refusal);
  if (request->flight && seen->verdict.fault.kind != FAULT_NONE)
    return request_fail(request, &seen->verdict.fault);
  fault_set(&request->fault, request->impatient ? FAULT_UPSTREAM_TIMEOUT : FAULT_UPSTREAM,
            "upstream failed, and the answer cannot be computed from what is stored");
  return STEP_REFUSE;
}

/* The rows of the source did not allow it. The request plans again, without this source. */
static enum step give_up(struct request *request) {
  request_leave_computed(request);
  if (request->flight || request->impatient)
    return fail(request);
  request->vain = cache_hold_entry(request->found.source.hold)->key;
  request->attempts++;
  return STEP_PLAN;
}

enum step step_derive(struct request *request) {
  struct flight_state state;
  if (!request->computing && !begin(request))
    return STEP_REFUSE;
  if (!flight_await(request->computing))
    return STEP_WAIT;
  flight_peek(request->computed, &state);
  if (state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_WITHDRAWN)
    return give_up(request);
  enum plan_refusal bar = plan_bar(request_standing(request));
  if (bar)
    return request_refuse(request, bar);
  if (state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_REFUSED)
    return request_fail(request, &state.refusal);
  return STEP_DERIVED;
}
