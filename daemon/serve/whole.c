/* Buying the whole of a target in place of one more slice (cache.buy_whole). */
#include "serve/whole.h"

#include "serve/request.h"

#include "base/log.h"
#include "base/scope.h"
#include "derive/rules.h"
#include "dialect/dialect.h"
#include "plan/whole.h"

#include <inttypes.h>

/* --- is it worth it? --- */

/* A client that asks upstream anew wants its own answer, and nothing is derived in XML. Where
 * columns cost, the whole of a target is no bargain. */
static bool applies(const struct settings *settings, const struct query *query,
                    const struct plan *plan) {
  enum query_output output = query_output(query);
  return settings->buy_whole == BUY_WHOLE_ON && settings->derive == DERIVE_ON && plan->store &&
         plan->reason != PLAN_REQUEST && !dialect_for(settings)->charges_columns &&
         (output == QUERY_JSON || output == QUERY_PHP);
}

bool request_buys_wholes(const struct request *request) {
  return applies(request->settings, request->query, &request->plan);
}

bool whole_may_be_tried(const struct inquiry *inquiry, const struct plan *plan) {
  return applies(inquiry->settings, inquiry->query, plan) && !inquiry->attempts;
}

bool request_may_try_whole(const struct request *request) {
  const struct inquiry inquiry = request_inquiry(request);
  return !request->has_tried_whole && whole_may_be_tried(&inquiry, &request->plan);
}

static struct query *whole_of(const struct query *query, int64_t limit, struct fault *fault) {
  const struct query_change change = {
      .all_columns = true, .all_rows = true, .as_json = true, .limit = limit};
  struct query *whole = NULL;
  return query_changed(query, &change, &whole, fault) ? whole : NULL;
}

/* What the rule is applied to. */
struct weighing {
  const struct inquiry *inquiry;
  const struct digest *subject;
  int64_t at;
};

/* Applies the rule. `whole` is one with any limit. False: the ledger cannot be read. */
static bool plan(const struct weighing *of, const struct query *whole, struct whole_plan *out,
                 struct fault *fault) {
  const struct inquiry *inquiry = of->inquiry;
  const struct settings *settings = inquiry->settings;
  const struct tariff own = facts_price(settings, inquiry->query);
  const struct tariff all = facts_price(settings, whole);
  struct ledger_slices slices;
  if (!ledger_slices(inquiry->serve->rooms.ledger, of->subject, own.fixed.currency,
                     of->at - settings->ttl * 1000, &slices, fault))
    return false;
  const struct whole_facts facts = {.slices = slices.slices,
                                    .wholes = slices.wholes,
                                    .last_offer = slices.last_offer,
                                    .most = tariff_most(&own),
                                    .fixed = all.fixed,
                                    .result = all.result};
  *out = plan_whole(&facts);
  return true;
}

/* True if the query could be answered from the whole, if that has so many results. */
static bool would_answer(const struct query *query, const struct query *whole, int64_t results) {
  const struct derive_source source = {.query = whole, .results = results};
  struct derive_recipe recipe;
  return rules_derive(query, &source, &recipe) == DERIVE_POSSIBLE;
}

bool whole_may_hold(const struct query *query) {
  struct fault fault;
  struct query *any = whole_of(query, 1, &fault);
  bool may = any && would_answer(query, any, 0);
  query_release(&any);
  return may;
}

bool whole_suffices(const struct whole_choice *choice, const struct query *query) {
  return would_answer(query, choice->query, query_limit(choice->query));
}

bool whole_choose(const struct inquiry *inquiry, const struct digest *subject, int64_t at,
                  struct whole_choice *choice, struct fault *fault) {
  const struct weighing of = {inquiry, subject, at};
  struct query *any = whole_of(inquiry->query, 1, fault);
  struct whole_plan decision = {0};
  bool ok = any && (!would_answer(inquiry->query, any, 0) || plan(&of, any, &decision, fault));
  query_release(&any);
  if (!ok || !decision.is_tried)
    return ok;
  choice->offer = decision.offer;
  choice->query = whole_of(inquiry->query, decision.limit, fault);
  return choice->query != NULL;
}

/* --- asking for it --- */

static struct flight *make_whole(void *context, struct fault *fault) {
  struct request *request = context;
  const struct question question = question_of(request->whole.query, NULL);
  const struct tariff own = facts_price(request->settings, request->query);
  struct paid_order order = request_order(request, request->whole.query, &question);
  order.flight_key = &order.subject; /* no query's key: all limits of the whole share it */
  order.is_whole = true;
  order.offer = request->whole.offer;
  order.beside = tariff_most(&own);
  return request_prepare(request, &order, fault);
}

static void log_whole(const struct request *request, const char *id) {
  struct view target = query_target_text(request->query);
  scope_free char *text = strndup(target.at, target.length);
  log_info(EVENT_whole, "request=%s for=%s target=%s limit=%" PRId64 " offer=%s%s", id, request->id,
           LOG_VALUE(text), query_limit(request->whole.query), AMOUNT_TEXT(request->whole.offer),
           currency_mark(request->whole.offer.currency));
}

/* Another whole may have been asked for and paid since the decision. */
static bool is_still_offered(const struct request *request, const struct digest *subject) {
  const struct inquiry inquiry = request_inquiry(request);
  const struct weighing of = {&inquiry, subject, request->at};
  struct whole_plan decision;
  struct fault fault;
  return plan(&of, request->whole.query, &decision, &fault) && decision.is_tried &&
         amount_order(decision.offer, request->whole.offer) >= 0;
}

static struct flight *make_none(void *context, struct fault *fault) {
  (void)context;
  fault_set(fault, FAULT_INTERNAL, "no whole is under way");
  return NULL;
}

/* Joins the whole that another request asks for, if it may hold the answer: then nothing more is
 * paid. Its reservation counts as a cost of wholes, so nothing would be offered for another. */
static bool joins_another(struct request *request, const struct digest *subject) {
  const struct flights_maker maker = {.make = make_none};
  struct flights_place place;
  return whole_may_hold(request->query) && request_join(request, subject, &maker, &place);
}

/* As for any flight, the request looks once more before it sends. */
static enum step join_or_begin(struct request *request, const struct digest *subject) {
  struct flights_maker maker = {.make = make_whole, .context = request};
  struct flights_place place;
  if (!request_join(request, subject, &maker, &place))
    return STEP_REFUSE;
  if (!place.started)
    return STEP_WAIT;
  request_plan(request);
  bool is_needed = request->plan.action == PLAN_FORWARD && is_still_offered(request, subject);
  request->leads = request->flight && is_needed;
  if (request->leads)
    log_whole(request, request->paid_id);
  request_spend(request, &place, request->leads);
  if (request->leads)
    return STEP_WAIT;
  request_leave(request);
  return STEP_PLAN;
}

static enum step begin(struct request *request) {
  const struct inquiry inquiry = request_inquiry(request);
  struct digest subject;
  struct fault fault;
  request->missed = request->plan.reason;
  request->has_tried_whole = true;
  if (!query_subject(request->query, &subject))
    return STEP_FORWARD;
  if (joins_another(request, &subject))
    return STEP_WAIT;
  if (!whole_choose(&inquiry, &subject, request->at, &request->whole, &fault))
    log_warning(EVENT_whole, "request=%s reason=%s", request->id, LOG_VALUE(fault.text));
  return request->whole.query ? join_or_begin(request, &subject) : STEP_FORWARD;
}

/* --- its end --- */

/* The request plans again: if the whole was bought, complete or not, the answer may be computed
 * from it now. If not, the request asks its own question then. */
static enum step conclude(struct request *request) {
  struct flight_state state;
  flight_peek(request->flight, &state);
  if (state.phase != FLIGHT_CONCLUDED) {
    /* No byte came for too long; or the whole is not stored, and its flight waits for readers. */
    request_leave_lead(request);
    request->earlier_is_known = request->cost_is_known;
    request->has_bought = request->left_lead;
    return STEP_PLAN;
  }
  request->has_bought = request->leads && paid_is_booked(request->flight);
  request->has_shared = !request->leads && state.end == FLIGHT_ENDED;
  if (request->leads) {
    struct answer_cost cost = paid_cost(request->flight);
    request_note_cost(request, &cost);
    request->earlier = request->spent;
    request->earlier_is_known = request->cost_is_known;
  }
  request_leave(request);
  return STEP_PLAN;
}

enum step step_whole(struct request *request) {
  if (!request->reader) {
    enum step next = begin(request);
    if (next != STEP_WAIT)
      return next;
  }
  if (!flight_await(request->reader))
    return STEP_WAIT;
  struct flight_state state;
  flight_peek(request->flight, &state);
  if (state.phase != FLIGHT_WAITING && !flight_await_end(request->reader))
    return STEP_WAIT;
  return conclude(request);
}
