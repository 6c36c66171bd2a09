/* Planning: gathers the facts about a request, and follows the decision about them. */
#include "serve/request.h"

struct inquiry request_inquiry(const struct request *request) {
  return (struct inquiry){.serve = request->serve,
                          .settings = request->settings,
                          .query = request->query,
                          .fingerprint = request->has_token ? &request->fingerprint : NULL,
                          .wish = request->wish,
                          .has_unknown_body = request->has_foreign_body,
                          .checked = request->checked,
                          .attempts = request->attempts,
                          .vain = request->attempts ? &request->vain : NULL};
}

void request_plan(struct request *request) {
  struct inquiry inquiry = request_inquiry(request);
  struct plan_facts facts;
  findings_release(&request->found);
  enum plan_standing standing = facts_standing(&inquiry, &request->token);
  facts_gather(&inquiry, standing, &request->token, &request->found, &facts);
  request->fresh = plan_source_ages(&facts).fresh;
  request->plan = plan_decide(&facts);
}

enum plan_standing request_standing(struct request *request) {
  struct inquiry inquiry = request_inquiry(request);
  return facts_standing(&inquiry, &request->token);
}

enum step request_serve(const struct request *request) {
  return request->plan.derive ? STEP_DERIVE : STEP_STORED;
}

enum step step_plan(struct request *request) {
  request_plan(request);
  switch (request->plan.action) {
  case PLAN_VERIFY:
    return STEP_VERIFY;
  case PLAN_HIT:
    return request_serve(request);
  case PLAN_HIT_AND_REFRESH:
    return STEP_REFRESH;
  case PLAN_ACCOUNT:
    return STEP_ACCOUNT;
  case PLAN_FORWARD:
    return request_may_try_whole(request) ? STEP_WHOLE : STEP_FORWARD;
  case PLAN_REFUSE:
  case PLAN_JOIN:
    break;
  }
  return request_refuse(request, request->plan.refusal);
}
