#include "serve/request.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

/* --- plan: what is stored, and what to do --- */

void steps_forget_stored(struct request *request) {
  cache_release(&request->stored);
}

static void find_stored(struct request *request) {
  steps_forget_stored(request);
  if (request->kind == QUESTION_RESULTS)
    request->stored = cache_find(request->serve->cache, query_key(request->query));
}

static void decide(struct request *request) {
  const struct settings *settings = request->settings;
  struct plan_facts facts = {.cacheable = request->kind == QUESTION_RESULTS,
                             .stored = request->stored != NULL,
                             .wish = request->wish,
                             .ttl = settings->ttl,
                             .stale_if_error = settings->stale_if_error,
                             .stale_while_revalidate = settings->stale_while_revalidate};
  if (request->stored)
    facts.age = age_at(cache_hold_entry(request->stored)->answered_at, clock_seconds());
  request->plan = plan_decide(&facts);
}

static void find_and_decide(struct request *request) {
  find_stored(request);
  decide(request);
}

static enum exchange_step steps_plan(struct request *request);

static void wake(void *exchange) {
  exchange_wake(exchange);
}

static enum exchange_step wait_for(struct request *request,
                                   enum exchange_step (*next)(struct request *request)) {
  request->next = next;
  return EXCHANGE_WAIT;
}

/* What it led, it leads no more. */
static void leave(struct request *request) {
  flight_leave(&request->reader);
  request->leads = false;
}

static enum exchange_step refuse(struct request *request, const struct fault *fault) {
  reply_fault(request, fault);
  return EXCHANGE_REPLIED;
}

/* --- the client may have gone --- */

/* While its client is in doubt, nothing is to be sent for it that has to wait. */
enum exchange_step steps_go_on(struct request *request) {
  enum exchange_step step = request->next(request);
  if (step == EXCHANGE_WAIT && exchange_client(request->exchange) == EXCHANGE_CLIENT_IN_DOUBT)
    flight_doubt(request->reader);
  return step;
}

/* What it led goes on if it was sent, and its cost is told by the ledger. */
static void leave_lead(struct request *request) {
  request->left_lead = request->leads;
  request->cost_is_known = !request->leads;
  leave(request);
}

enum exchange_step steps_abandon(struct request *request) {
  struct fault fault;
  leave_lead(request);
  fault_set(&fault, FAULT_GONE, "the client closed the connection before there was an answer");
  return refuse(request, &fault);
}

/* Upstream was not asked, did not answer or could not: nothing is said about token or query. */
static bool upstream_is_at_fault(const struct flight_state *state) {
  return state->end == FLIGHT_REFUSED || state->verdict.outcome == ANSWER_BROKEN ||
         state->head.status >= 500 || state->head.status == 429;
}

/* --- verify: an unknown token, before anything else is done for it --- */

static enum access_verdict access_of(const struct request *request) {
  return request->settings->access_mode == ACCESS_MODE_OPEN || token_is_vouched_for(&request->token)
             ? ACCESS_YES
             : access_look(request->serve->access, &request->fingerprint);
}

/* Asks for the token's own account, which costs nothing (reference, "Answer"). */
static struct flight *make_check(void *context, struct fault *fault) {
  const struct request *request = context;
  struct question question = question_of_subscription();
  struct paid_order order = {.serve = request->serve,
                             .settings = request->settings,
                             .question = &question,
                             .key = &request->fingerprint,
                             .token = query_token(request->query),
                             .fingerprint = &request->fingerprint,
                             .id = request->id,
                             .is_ours = true,
                             .is_check = true,
                             .has_spent = request->token.has_spent};
  struct flight *flight = paid_prepare(&order, fault);
  return flight;
}

static enum exchange_step refuse_token(struct request *request) {
  struct fault fault;
  fault_set(&fault, FAULT_BAD_TOKEN, "upstream does not accept this token");
  return refuse(request, &fault);
}

/* Upstream could not be asked, or said nothing of the token. */
static enum exchange_step refuse_unchecked(struct request *request,
                                           const struct flight_state *state) {
  struct fault fault;
  enum fault_kind kind = FAULT_UPSTREAM;
  /* Its fault says what to do; before the end there is none yet. */
  if (state->phase == FLIGHT_CONCLUDED && answer_is_redirect(state->head.status))
    return refuse(request, &state->verdict.fault);
  if (state->verdict.fault.kind == FAULT_UPSTREAM_TIMEOUT)
    kind = FAULT_UPSTREAM_TIMEOUT;
  else if (state->head.status == 429)
    kind = FAULT_TOO_MANY;
  fault_set(&fault, kind,
            "this token is not known here, and upstream cannot be asked about it now");
  fault.retry_after = state->head.retry_after;
  return refuse(request, &fault);
}

static enum exchange_step step_verified(struct request *request) {
  struct flight_state state;
  if (!flight_await(request->reader))
    return wait_for(request, step_verified);
  /* Not CONCLUDED: far too long for what was asked, and no verdict. */
  flight_look(flight_of(request->reader), &state);
  if (state.phase == FLIGHT_WAITING) /* for too long */
    state.verdict.fault.kind = FAULT_UPSTREAM_TIMEOUT;
  enum access_verdict verdict =
      state.phase == FLIGHT_CONCLUDED ? paid_verdict(flight_of(request->reader)) : ACCESS_UNKNOWN;
  leave(request);
  if (state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_WITHDRAWN)
    return steps_begin(request);
  if (state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_REFUSED)
    return refuse(request, &state.refusal);
  switch (verdict) {
  case ACCESS_YES:
    return steps_plan(request);
  case ACCESS_NO:
    return refuse_token(request);
  case ACCESS_UNKNOWN:
    break;
  }
  return refuse_unchecked(request, &state);
}

/* Sends what was made, or, where it is not needed any more, withdraws it. Gives up the reference. */
static void send_or_withdraw(struct flights_place *place, bool is_needed) {
  if (is_needed)
    paid_send(place->started);
  else
    paid_withdraw(place->started);
  flight_release(&place->started);
}

/* Requests with the same token share one check: a fingerprint is no query's key. */
static enum exchange_step step_verify(struct request *request) {
  struct flights_maker maker = {.make = make_check, .context = request};
  struct flights_waker waker = {.wake = wake, .context = request->exchange};
  struct flights_place place;
  struct fault fault;
  if (flights_join(request->serve->flights, &request->fingerprint, &maker, &waker, &place,
                   &fault) == FLIGHTS_FAILED)
    return refuse(request, &fault);
  request->reader = place.reader;
  /* Between the first look and the flights' lock a check may have ended. */
  if (place.started)
    send_or_withdraw(&place, place.reader && access_of(request) == ACCESS_UNKNOWN);
  if (request->reader)
    return step_verified(request);
  fault_no_memory(&fault);
  return refuse(request, &fault);
}

static enum exchange_step refuse_not_cached(struct request *request) {
  struct fault fault;
  fault_set(&fault, FAULT_NOT_CACHED, "only-if-cached was asked for, and this is not cached");
  return refuse(request, &fault);
}

/* What is never cached is never only cached: that needs no upstream, and tells a stranger nothing.
 */
enum exchange_step steps_begin(struct request *request) {
  if (request->kind != QUESTION_RESULTS && request->wish.only_if_cached)
    return refuse_not_cached(request);
  switch (access_of(request)) {
  case ACCESS_YES:
    return steps_plan(request);
  case ACCESS_NO:
    return refuse_token(request);
  case ACCESS_UNKNOWN:
    break;
  }
  return step_verify(request);
}

/* --- forward: join the flight of this query, or begin it --- */

/* Upstream does not know the tokens that are issued here: it is asked with ours. */
static struct flight *make_paid(void *context, struct fault *fault) {
  struct request *request = context;
  struct question_body body = {exchange_body(request->exchange),
                               exchange_header(request->exchange, "Content-Type")};
  struct question question = question_of(request->query, request->has_foreign_body ? &body : NULL);
  question.states_limit = request->token.has_budget;
  bool is_issued = request->token.kind == TOKEN_ISSUED;
  struct paid_order order = {
      .serve = request->serve,
      .settings = request->settings,
      .question = &question,
      .normal = query_normal(request->query),
      .key = query_key(request->query),
      .token = is_issued ? secret_view(request->own_token) : query_token(request->query),
      .is_own_token = is_issued,
      .fingerprint = &request->fingerprint,
      .is_strangers = request_is_strangers(request),
      .id = request->id,
      .store = request->plan.store || request->plan.action == PLAN_HIT_AND_REFRESH,
      .unread = request->plan.action == PLAN_HIT_AND_REFRESH};
  if (!is_issued || request->own_token)
    return paid_prepare(&order, fault);
  fault_set(
      fault, FAULT_UNAVAILABLE,
      "token '%s' was issued here and can spend nothing, as there is no Ahrefs token to spend "
      "from: set upstream.token_file",
      request->token.label);
  return NULL;
}

/* Nobody else can read it, and nothing of it is kept. */
static bool begin_private(struct request *request, struct fault *fault) {
  struct flight *flight = make_paid(request, fault);
  if (!flight)
    return false;
  request->reader = flight_join(flight, wake, request->exchange);
  request->leads = request->reader != NULL;
  if (request->leads)
    paid_send(flight);
  else
    paid_withdraw(flight);
  flight_release(&flight);
  return request->leads || fault_no_memory(fault);
}

/* Joins the flight of this query, or begins it. `*found`: it need not, as between the first look
 * and the flights' lock somebody's flight has ended well. */
static bool join(struct request *request, bool *found, struct fault *fault) {
  struct flights_maker maker = {.make = make_paid, .context = request};
  struct flights_waker waker = {.wake = wake, .context = request->exchange};
  struct flights_place place;
  if (flights_join(request->serve->flights, query_key(request->query), &maker, &waker, &place,
                   fault) == FLIGHTS_FAILED)
    return false;
  request->reader = place.reader;
  *found = false;
  if (!place.started)
    return true;
  find_and_decide(request);
  *found = request->plan.action != PLAN_FORWARD;
  request->leads = request->reader && !*found;
  send_or_withdraw(&place, request->leads);
  if (*found)
    leave(request);
  return request->reader || *found || fault_no_memory(fault);
}

/* stale-while-revalidate: asks without reading; the answer is for the next request. Somebody's
 * refresh may have ended since the first look: what is stored may be fresh again, or gone. */
static void refresh(struct request *request) {
  struct flights_maker maker = {.make = make_paid, .context = request};
  struct flights_place place;
  struct fault fault;
  if (flights_join(request->serve->flights, query_key(request->query), &maker, NULL, &place,
                   &fault) == FLIGHTS_FAILED)
    log_warning(EVENT_refresh, "request=%s reason=%s", request->id, LOG_VALUE(fault.text));
  if (!place.started)
    return;
  find_and_decide(request);
  request->refreshes = request->plan.action == PLAN_HIT_AND_REFRESH;
  send_or_withdraw(&place, request->refreshes);
}

/* --- await: what the flight has become --- */

/* What upstream says to one token is for nobody else: it may be about the token, and name it. */
static bool is_said_to_another(const struct request *request, const struct flight_state *state) {
  bool is_issued = request->token.kind == TOKEN_ISSUED;
  return !request->leads && state->end == FLIGHT_ENDED &&
         state->verdict.outcome == ANSWER_REFUSED &&
         !paid_asks_as(flight_of(request->reader), &request->fingerprint, is_issued);
}

/* It was not sent, for its own token's sake: over budget, or revoked meanwhile. */
static bool is_held_back(const struct flight_state *state) {
  return state->end == FLIGHT_REFUSED &&
         (state->refusal.kind == FAULT_OVER_BUDGET || state->refusal.kind == FAULT_BAD_TOKEN);
}

static bool is_held_back_for_another(const struct request *request,
                                     const struct flight_state *state) {
  return !request->leads && is_held_back(state) &&
         !paid_is_by(flight_of(request->reader), &request->fingerprint);
}

/* Refused, throttled or held back: another token may do better, and its request asks for itself.
 * Not where upstream itself is ill: that failure is shared. */
static bool may_do_better(const struct request *request, const struct flight_state *state) {
  return (is_said_to_another(request, state) && state->head.status < 500) ||
         is_held_back_for_another(request, state);
}

/* Instead of a failure that is none of the query's own. */
static bool may_have_stale(const struct request *request, const struct flight_state *state) {
  return upstream_is_at_fault(state) && request->stored && request->plan.stale_if_error;
}

static void note_led(struct request *request) {
  struct paid_cost cost = paid_cost(flight_of(request->reader));
  request->spent = cost.spent;
  request->cost_is_known = cost.is_known;
}

/* A token that was revoked while it waited is shown nothing. */
static enum exchange_step reply_stale(struct request *request) {
  struct fault fault;
  if (!check_access(request, &fault))
    return refuse(request, &fault);
  reply_stored(request, request->plan.freshness);
  return EXCHANGE_REPLIED;
}

/* Nor what others have paid for; what it led, it has paid for itself. */
static enum exchange_step reply_answer(struct request *request, const struct flight_state *state) {
  struct fault fault;
  if (!request->leads && !check_access(request, &fault))
    return refuse(request, &fault);
  reply_flight(request, state);
  return EXCHANGE_REPLIED;
}

static enum exchange_step conclude(struct request *request, const struct flight_state *state) {
  if (state->end == FLIGHT_WITHDRAWN || may_do_better(request, state)) {
    leave(request);
    return steps_plan(request);
  }
  if (request->leads)
    note_led(request);
  struct fault fault;
  if (may_have_stale(request, state))
    return reply_stale(request);
  if (state->end == FLIGHT_REFUSED)
    return refuse(request, &state->refusal);
  if (state->verdict.outcome == ANSWER_BROKEN)
    return refuse(request, &state->verdict.fault);
  if (is_said_to_another(request, state)) {
    fault_set(&fault, FAULT_UPSTREAM, "upstream failed with status %u", state->head.status);
    return refuse(request, &fault);
  }
  return reply_answer(request, state);
}

/* No byte came for as long as upstream may take, the wait for a place there included. */
static enum exchange_step lose_patience(struct request *request, const struct flight_state *state) {
  struct fault fault;
  leave_lead(request);
  request->impatient = true;
  if (may_have_stale(request, state))
    return reply_stale(request);
  fault_set(&fault, FAULT_UPSTREAM_TIMEOUT,
            "upstream sent nothing for %lld s, the wait for a place there included "
            "(upstream.stall_timeout, upstream.max_inflight)",
            (long long)request->settings->stall_timeout);
  return refuse(request, &fault);
}

static bool may_be_refusal(const struct request *request, const struct flight_state *state) {
  return !request->leads && (state->head.status != 200 || state->head.is_error);
}

/* Who must see the end first, or as much of it as memory holds: a client for whom the end of the
 * connection is the end of the answer (HTTP/1.0), and one that has joined an answer that may be a
 * refusal of somebody else's token. */
static bool needs_end(const struct request *request, const struct flight_state *state) {
  return !exchange_can_chunk(request->exchange) ||
         (state->storing && may_be_refusal(request, state));
}

static enum exchange_step step_await(struct request *request) {
  struct flight_state state;
  if (!flight_await(request->reader))
    return wait_for(request, step_await);
  flight_look(flight_of(request->reader), &state);
  if (state.phase == FLIGHT_WAITING)
    return lose_patience(request, &state);
  if (state.phase == FLIGHT_CONCLUDED)
    return conclude(request, &state);
  if (needs_end(request, &state) && !flight_await_end(request->reader))
    return wait_for(request, step_await);
  flight_look(flight_of(request->reader), &state);
  if (state.phase == FLIGHT_CONCLUDED)
    return conclude(request, &state);
  if (may_be_refusal(request, &state)) { /* a long one, which cannot be kept */
    struct fault fault;
    fault_set(&fault, FAULT_UPSTREAM, "upstream failed with status %u", state.head.status);
    return refuse(request, &fault);
  }
  return reply_answer(request, &state);
}

static enum exchange_step step_forward(struct request *request) {
  struct fault fault;
  bool found = false;
  bool joinable = request->plan.store;
  if (!(joinable ? join(request, &found, &fault) : begin_private(request, &fault)))
    return refuse(request, &fault);
  if (found)
    return steps_plan(request);
  return step_await(request);
}

/* Whoever had to wait may have been revoked meanwhile. */
static enum exchange_step steps_plan(struct request *request) {
  struct fault fault;
  if (!check_access(request, &fault))
    return refuse(request, &fault);
  find_and_decide(request);
  if (request->plan.action == PLAN_HIT_AND_REFRESH)
    refresh(request); /* which may change the plan */
  switch (request->plan.action) {
  case PLAN_HIT_AND_REFRESH:
  case PLAN_HIT:
    reply_stored(request, request->plan.freshness);
    return EXCHANGE_REPLIED;
  case PLAN_GATEWAY_TIMEOUT:
    return refuse_not_cached(request);
  case PLAN_FORWARD:
    break;
  }
  return step_forward(request);
}
