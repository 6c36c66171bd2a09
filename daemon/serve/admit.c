/* Planning: gathers the facts about a request, and follows the decision about them. */
#include "serve/facts.h"

static struct inquiry inquiry_of(const struct request *request) {
  return (struct inquiry){.serve = request->serve,
                          .settings = request->settings,
                          .query = request->query,
                          .fingerprint = request->has_token ? &request->fingerprint : NULL,
                          .wish = request->wish,
                          .has_unknown_body = request->has_foreign_body,
                          .checked = request->checked};
}

void request_plan(struct request *request) {
  struct inquiry inquiry = inquiry_of(request);
  struct plan_facts facts;
  cache_release(&request->stored);
  enum plan_standing standing = facts_standing(&inquiry, &request->token);
  facts_gather(&inquiry, standing, &request->token, &request->stored, &facts);
  request->plan = plan_decide(&facts);
}

enum plan_standing request_standing(struct request *request) {
  struct inquiry inquiry = inquiry_of(request);
  return facts_standing(&inquiry, &request->token);
}

enum step step_plan(struct request *request) {
  request_plan(request);
  switch (request->plan.action) {
  case PLAN_VERIFY:
    return STEP_VERIFY;
  case PLAN_HIT:
    return STEP_STORED;
  case PLAN_HIT_AND_REFRESH:
    return STEP_REFRESH;
  case PLAN_FORWARD:
    return STEP_FORWARD;
  case PLAN_REFUSE:
  case PLAN_JOIN:
    break;
  }
  return request_refuse(request, request->plan.refusal);
}
