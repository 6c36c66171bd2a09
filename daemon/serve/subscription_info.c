/* The answer to v2's subscription_info, made of v3's limits-and-usage for the client's key. */
#include "serve/request.h"

#include "dialect/dialect.h"
#include "render/subscription.h"

#define BODY_MOST 4096 /* bytes of upstream's answer */

bool request_is_subscription_info(const struct request *request) {
  return request->kind == QUESTION_SUBSCRIPTION && !request->is_call &&
         dialect_for(request->settings)->translates;
}

static bool write_info(const struct request *request,
                       const struct dialect_subscription *subscription, struct text *out,
                       struct fault *fault) {
  const struct subscription shown = {.name = view_of(subscription->plan),
                                     .has_limit = subscription->has_left,
                                     .limit = subscription->limit,
                                     .left = subscription->left};
  subscription_render_v2(&shown, query_output(request->query), out);
  return text_ok(out) || fault_no_memory(fault);
}

static bool rewrite(struct request *request, const struct flight_state *state, struct view body) {
  const struct dialect *dialect = dialect_for(request->settings);
  struct dialect_subscription subscription;
  if (state->verdict.outcome == ANSWER_COMPLETE)
    return dialect->read_subscription(body, &subscription, &request->fault) &&
           write_info(request, &subscription, &request->rewritten, &request->fault);
  request->fault = state->verdict.fault;
  return false;
}

enum step request_write_subscription_info(struct request *request) {
  char body[BODY_MOST];
  size_t length = 0;
  const struct flight_state *state = &request->seen;
  bool is_all = state->phase == FLIGHT_CONCLUDED && state->length < BODY_MOST &&
                (state->length == 0 ||
                 flight_read(request->reader, body, sizeof body, &length) == FLIGHT_READ_BYTES);
  if (!is_all) {
    fault_set(&request->fault, FAULT_UPSTREAM, "upstream's answer is not what was asked for");
    return STEP_REFUSE;
  }
  return rewrite(request, state, (struct view){body, length}) ? STEP_RELAY : STEP_REFUSE;
}
