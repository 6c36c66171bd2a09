/* The check of an unknown token. It comes first: only then may the request learn what is stored,
 * join a flight or reserve. */
#include "serve/request.h"

/* A check asks for upstream's own count for the token, which is free (reference, "Answer"). */
static struct flight *make_check(void *context, struct fault *fault) {
  const struct request *request = context;
  struct question question = question_of_subscription();
  struct paid_order order = {.desk = request->serve->rooms.desk,
                             .settings = request->settings,
                             .question = &question,
                             .key = &request->fingerprint,
                             .token = query_token(request->query),
                             .fingerprint = &request->fingerprint,
                             .id = request->id,
                             .is_internal = true,
                             .is_check = true,
                             .has_spent = request->token.has_spent};
  return paid_prepare(&order, fault);
}

/* Requests with the same token share one check. Its key is the fingerprint, which is no query's
 * key. If an earlier check has ended since the plan, the one that was just made is not sent. */
enum step step_verify(struct request *request) {
  struct flights_maker maker = {.make = make_check, .context = request};
  struct flights_place place;
  if (!request_join(request, &request->fingerprint, &maker, &place))
    return STEP_REFUSE;
  if (place.started)
    request_send(&place, request->flight && request_standing(request) == PLAN_UNKNOWN);
  return request->flight ? STEP_VERDICT : request_no_memory(request);
}

/* Upstream could not be asked, or its answer says nothing about the token. */
static enum step refuse_unchecked(struct request *request, const struct flight_state *state) {
  bool is_over = state->phase == FLIGHT_CONCLUDED;
  enum fault_kind kind = FAULT_UPSTREAM;
  /* The verdict's fault names the remedy. */
  if (is_over && answer_is_redirect(state->head.status))
    return request_fail(request, &state->verdict.fault);
  /* Not over: the answer is far longer than any to this question, or no byte came for too long. */
  if (state->phase == FLIGHT_WAITING || state->verdict.fault.kind == FAULT_UPSTREAM_TIMEOUT)
    kind = FAULT_UPSTREAM_TIMEOUT;
  else if (state->head.status == 429 || state->verdict.fault.kind == FAULT_TOO_MANY)
    kind = FAULT_TOO_MANY;
  fault_set(&request->fault, kind,
            "this token is not known here, and upstream cannot be asked about it now");
  request->fault.retry_after =
      state->head.retry_after ? state->head.retry_after : state->verdict.fault.retry_after;
  return STEP_REFUSE;
}

/* The result of the check holds for this request, even if `access` has no memory to keep it. */
enum step step_verdict(struct request *request) {
  struct flight_state state;
  if (!flight_await(request->reader))
    return STEP_WAIT;
  flight_peek(request->flight, &state);
  bool is_over = state.phase == FLIGHT_CONCLUDED;
  if (is_over)
    request->checked = paid_verdict(request->flight);
  request_leave(request);
  if (is_over && state.end == FLIGHT_REFUSED)
    return request_fail(request, &state.refusal);
  if (request->checked != ACCESS_UNKNOWN || (is_over && state.end == FLIGHT_WITHDRAWN))
    return STEP_PLAN;
  return refuse_unchecked(request, &state);
}
