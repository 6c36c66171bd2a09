/* Replies from the flight of an answer, as it comes. */
#include "serve/reply.h"

#include "base/clock.h"
#include "base/mask.h"
#include "base/scope.h"
#include "serve/headers.h"

/* Notes the cost as far as it is known when the head goes out. */
static void note_cost(struct request *request, const struct flight_state *state) {
  struct answer_cost cost =
      state->phase == FLIGHT_CONCLUDED ? paid_cost(request->flight) : state->head.cost;
  if (request->leads) {
    request_note_cost(request, &cost);
    /* Pages of a translated query that were stored, or that others paid for. */
    if (amount_order(cost.once, cost.spent) > 0)
      request->saved = amount_subtract(cost.once, cost.spent);
  } else if (request_has_joined(request)) {
    request->saved = cost.once;
  }
}

/* True if the answer will be stored, as far as is known: it may still break off, or be too
 * large. */
static bool is_stored(const struct flight_state *state) {
  bool sound = state->phase != FLIGHT_CONCLUDED || state->verdict.outcome == ANSWER_COMPLETE;
  return state->storing && sound && state->head.status == 200 && !state->head.is_error;
}

/* An answer that is made of stored pages alone is a derived hit: upstream was not asked. */
static void note_outcome(struct request *request, const struct flight_state *state, int64_t age,
                         struct text *cache_status) {
  const struct headers_forward forward = {.reason = request->plan.reason,
                                          .status = state->head.status,
                                          .stored = request->leads && request->plan.store &&
                                                    is_stored(state),
                                          .collapsed = request_has_joined(request)};
  if (request->leads && !paid_has_asked(request->flight)) {
    headers_hit(request->settings->ttl - age, true, cache_status);
    request->outcome = OUTCOME_DERIVED;
    return;
  }
  headers_forward(&forward, cache_status);
  request->outcome = request->plan.reason == PLAN_BYPASS ? OUTCOME_BYPASS
                     : request_has_joined(request)       ? OUTCOME_COLLAPSED
                                                         : OUTCOME_MISS;
}

/* The type of an answer that is made of upstream's is that of its form. */
static const char *type_of(const struct request *request, const struct flight_state *state,
                           struct view secret) {
  const char *type = state->head.content_type;
  bool has_secret = mask_finds(&(struct mask){.secret = secret}, view_of(type));
  if ((request_rewrites(request, state) || request_is_subscription_info(request)) &&
      query_output(request->query) != QUERY_JSON)
    return output_content_type(query_output(request->query));
  return has_secret ? "" : type;
}

/* The headers of v2 itself. */
static void add_count(struct request *request, const struct flight_state *state) {
  const struct answer_head *head = &state->head;
  bool read = state->phase == FLIGHT_CONCLUDED && request->kind == QUESTION_RESULTS &&
              state->verdict.outcome == ANSWER_COMPLETE && state->verdict.results >= 0;
  if (head->results_count >= 0 || read)
    reply_number(request, "X-Results-Count",
                 head->results_count >= 0 ? head->results_count : state->verdict.results);
  if (head->is_error || (head->status == 200 && state->phase == FLIGHT_CONCLUDED &&
                         state->verdict.outcome == ANSWER_REFUSED))
    exchange_add_header(request->exchange, "X-Status", "error");
}

static void add_upstream_headers(struct request *request, const struct flight_state *state,
                                 int64_t age, struct view secret) {
  const struct answer_head *head = &state->head;
  reply_type(request, type_of(request, state, secret));
  if (request->is_call)
    reply_costs(request, head);
  else
    add_count(request, state);
  if (head->retry_after > 0)
    reply_number(request, "Retry-After", head->retry_after);
  reply_number(request, "Age", age);
}

enum step step_relay(struct request *request) {
  const struct flight_state *state = &request->seen;
  scope_text struct text cache_status = {0};
  bool concluded = state->phase == FLIGHT_CONCLUDED;
  bool stored = is_stored(state);
  struct view secret = paid_secret(request->flight, &request->fingerprint);
  int64_t since = clock_seconds() - state->head.answered_at, age = since > 0 ? since : 0;
  note_cost(request, state);
  note_outcome(request, state, age, &cache_status);
  request->status = state->head.status;
  bool rewrites = request_rewrites(request, state);
  /* Not where a mask may change bytes, or another answer is made: the tag is that of the stored
   * bytes. */
  if (stored && (concluded || !secret.length) && !rewrites)
    (void)reply_tag(request, paid_validator(request->flight));
  add_upstream_headers(request, state, age, secret);
  reply_common(request, &cache_status);
  reply_saved(request, request->saved);
  request->relays = true;
  if (request->rewritten.length) {
    exchange_reply_text(request->exchange, state->head.status, &request->rewritten);
    return STEP_REPLIED;
  }
  struct body *body = request_flight_body(request);
  if (rewrites)
    body = request_rewriting(request, state, &body);
  exchange_reply_body(request->exchange, state->head.status,
                      concluded && !rewrites ? state->length : EXCHANGE_UNKNOWN_LENGTH, &body);
  return STEP_REPLIED;
}
