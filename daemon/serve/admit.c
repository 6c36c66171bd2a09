/* Planning: gathers the facts about a request, and follows the decision about them. */
#include "serve/request.h"

#include "base/clock.h"
#include "base/log.h"

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

/* Made-up tokens are not counted, so they take no place from others. */
static bool is_to_be_counted(struct request *request) {
  return request->settings->requests_per_second && !request->is_counted &&
         request_standing(request) == PLAN_ADMITTED;
}

/* Counts the request, once, towards its token's requests per second. False: it is one too many. */
static bool take_rate(struct request *request) {
  struct rates *rates = request->serve->rooms.rates;
  int64_t now = clock_monotonic(), most = request->settings->requests_per_second, wait;
  if (!is_to_be_counted(request))
    return true;
  request->is_counted = true;
  if (rate_take(rates, &request->fingerprint, most, now, &wait))
    return true;
  request->is_over_limit = true;
  rates_note_refusal(rates, request->token.label, now);
  fault_set(&request->fault, FAULT_TOO_MANY,
            "token '%s' sends more than %lld requests a second (access.requests_per_second)",
            request->token.label, (long long)most);
  request->fault.retry_after = wait;
  return false;
}

/* A request that has begun an answer ends it. */
static bool has_room(const struct request *request) {
  size_t taken = flight_memory() + paid_desk_memory(request->serve->rooms.desk);
  return request->has_begun || taken < (size_t)request->settings->max_answers;
}

static enum step refuse_for_room(struct request *request) {
  int64_t count = rarely_count(&request->serve->short_of_memory, clock_monotonic());
  if (count)
    log_warning(EVENT_answers, "requests=%lld", (long long)count);
  request->is_over_limit = true;
  fault_set(&request->fault, FAULT_UNAVAILABLE,
            "the answers that are on their way to clients take all the memory that is for them "
            "(server.max_answers); what is stored is answered as ever");
  request->fault.retry_after = 1;
  return STEP_REFUSE;
}

/* An answer that is not just read from the store is about to be made. */
static enum step begin(struct request *request, enum step step) {
  if (!has_room(request))
    return refuse_for_room(request);
  request->has_begun = true;
  return step;
}

static enum step serve(struct request *request) {
  return request->plan.derive ? begin(request, STEP_DERIVE) : STEP_STORED;
}

enum step step_plan(struct request *request) {
  if (!take_rate(request))
    return STEP_REFUSE;
  request_plan(request);
  switch (request->plan.action) {
  case PLAN_VERIFY:
    return STEP_VERIFY;
  case PLAN_HIT:
    return serve(request);
  case PLAN_HIT_AND_REFRESH:
    return has_room(request) ? STEP_REFRESH : serve(request);
  case PLAN_ACCOUNT:
    return STEP_ACCOUNT;
  case PLAN_FORWARD:
    return begin(request, request_may_try_whole(request) ? STEP_WHOLE : STEP_FORWARD);
  case PLAN_REFUSE:
  case PLAN_JOIN:
    break;
  }
  return request_refuse(request, request->plan.refusal);
}
