/* Asking upstream: a request joins the flight of its query or begins one, and waits for it. */
#include "serve/request.h"

#include "base/log.h"
#include "base/scope.h"
#include "dialect/dialect.h"
#include "plan/awaited.h"

/* --- joining and beginning --- */

/* Upstream does not know issued tokens: their requests carry the token of upstream.token_file. */
struct paid_order request_order(const struct request *request, const struct query *asked,
                                const struct question *question) {
  bool is_issued = request->token.kind == TOKEN_ISSUED;
  struct paid_order order = {
      .desk = request->serve->rooms.desk,
      .settings = request->settings,
      .question = question,
      .normal = query_normal(asked),
      .key = query_key(asked),
      .conditions = query_condition_count(asked),
      .token = is_issued ? secret_view(request->own_token) : query_token(request->query),
      .is_own_token = is_issued,
      .fingerprint = &request->fingerprint,
      .is_strangers = request_is_strangers(request),
      .id = request->paid_id,
      .store = request->plan.store || request->plan.action == PLAN_HIT_AND_REFRESH};
  query_subject(asked, &order.subject);
  return order;
}

struct flight *request_prepare(const struct request *request, const struct paid_order *order,
                               struct fault *fault) {
  if (!order->is_own_token || request->own_token)
    return paid_prepare(order, fault);
  (void)plan_refuse(PLAN_REFUSED_NOTHING_TO_SPEND, request->token.label, fault);
  return NULL;
}

static struct flight *make_paid(void *context, struct fault *fault) {
  const struct request *request = context;
  struct question_body body = {.bytes = exchange_body(request->exchange),
                               .type = exchange_header(request->exchange, "Content-Type"),
                               .method = exchange_method(request->exchange)};
  const struct query *asked = request_asked(request);
  struct question question = question_of(asked, request->has_foreign_body ? &body : NULL);
  question.states_limit = request->token.has_budget;
  struct paid_order order = request_order(request, asked, &question);
  order.unread = request->plan.action == PLAN_HIT_AND_REFRESH;
  order.is_slice = request_buys_wholes(request);
  order.fresh = request->fresh;
  if (question.kind == QUESTION_RESULTS && dialect_for(request->settings)->translates)
    order.translated = asked;
  return request_prepare(request, &order, fault);
}

/* Begins a flight that nobody else can join, and whose answer is not stored. */
static enum step begin_private(struct request *request) {
  if (!request_widen(request))
    return request_no_memory(request);
  struct flights_place place = {.started = make_paid(request, &request->fault)};
  if (!place.started)
    return STEP_REFUSE;
  request_take(request, flight_join(place.started, request_wake, request->exchange));
  request->leads = request->flight != NULL;
  request_spend(request, &place, request->leads);
  return request->leads ? STEP_AWAIT : request_no_memory(request);
}

/* True if the answer to the wider query, which was not there before, has been stored since. A dialect
 * that translates asks for the wider query even if that is stored, where no answer can be derived from
 * it (serve/wide.c): its pages are stored as well, so nobody pays twice. */
static bool is_answered_since(const struct request *request) {
  struct inquiry inquiry = request_inquiry(request);
  return request->wide && !dialect_for(request->settings)->translates &&
         facts_is_answered(&inquiry, &request->token, request->wide);
}

/* A flight of the same query may have ended between the plan and the lock of all flights. So a
 * request that began a flight plans once more before it sends: nobody pays twice. */
static enum step join_or_begin(struct request *request) {
  struct flights_maker maker = {.make = make_paid, .context = request};
  struct flights_place place;
  if (!request_widen(request))
    return request_no_memory(request);
  if (!request_join(request, query_key(request_asked(request)), &maker, &place))
    return STEP_REFUSE;
  if (!place.started)
    return STEP_AWAIT;
  request_plan(request);
  bool is_needed = request->plan.action == PLAN_FORWARD && !is_answered_since(request);
  request->leads = request->flight && is_needed;
  request_spend(request, &place, request->leads);
  if (request->leads)
    return STEP_AWAIT;
  bool has_joined = request->flight;
  request_leave(request);
  return has_joined ? STEP_PLAN : request_no_memory(request);
}

enum step step_forward(struct request *request) {
  return request->plan.store ? join_or_begin(request) : begin_private(request);
}

static void note_no_refresh(const struct request *request, const struct fault *fault) {
  log_warning(EVENT_refresh, "request=%s reason=%s", request->id, LOG_VALUE(fault->text));
}

/* stale-while-revalidate: the answer is for later requests. Another refresh may have ended since
 * the plan, so the stored result may be fresh again, or gone. */
enum step step_refresh(struct request *request) {
  struct flights_maker maker = {.make = make_paid, .context = request};
  struct flights_place place;
  struct fault fault;
  if (!request_widen(request)) {
    note_no_refresh(request, &request->fault);
    return request_serve(request);
  }
  if (flights_join(request->serve->rooms.flights, query_key(request_asked(request)), &maker, NULL,
                   &place, &fault) == FLIGHTS_FAILED)
    note_no_refresh(request, &fault);
  if (!place.started)
    return request_serve(request);
  request_plan(request);
  request->refreshes = request->plan.action == PLAN_HIT_AND_REFRESH && !is_answered_since(request);
  request_spend(request, &place, request->refreshes);
  return request->refreshes ? request_serve(request) : STEP_PLAN;
}

/* --- waiting --- */

/* True if the token is the reason of the refusal: another token may be allowed. */
static bool is_held_back(const struct fault *refusal) {
  return refusal->kind == FAULT_OVER_BUDGET || refusal->kind == FAULT_BAD_TOKEN;
}

static enum awaited_end end_of(const struct flight_state *state) {
  switch (state->end) {
  case FLIGHT_WITHDRAWN:
    return AWAITED_WITHDRAWN;
  case FLIGHT_REFUSED:
    return is_held_back(&state->refusal) ? AWAITED_HELD_BACK : AWAITED_NOT_SENT;
  case FLIGHT_ENDED:
    break;
  }
  switch (state->verdict.outcome) {
  case ANSWER_BROKEN:
    return AWAITED_BROKEN;
  case ANSWER_REFUSED:
    return AWAITED_ERROR;
  case ANSWER_COMPLETE:
    break;
  }
  return AWAITED_COMPLETE;
}

static enum awaited_phase phase_of(const struct flight_state *state) {
  switch (state->phase) {
  case FLIGHT_WAITING: /* flight_await() has returned: the reader's patience has ended */
    return AWAITED_SILENT;
  case FLIGHT_FLOWING:
    return AWAITED_FLOWING;
  case FLIGHT_CONCLUDED:
    break;
  }
  return AWAITED_OVER;
}

static enum awaited_action decide(struct request *request, bool end_was_awaited) {
  struct flight *flight = request->flight;
  const struct flight_state *state = &request->seen;
  flight_peek(flight, &request->seen);
  const struct awaited_facts facts = {
      .phase = phase_of(state),
      .end = end_of(state),
      .status = state->head.status,
      .is_error = state->head.is_error,
      .is_being_stored = state->storing,
      .end_was_awaited = end_was_awaited,
      .leads = request->leads,
      .has_same_token = paid_is_by(flight, &request->fingerprint),
      .has_same_upstream =
          paid_asks_as(flight, &request->fingerprint, request->token.kind == TOKEN_ISSUED),
      .can_break_off =
          exchange_can_chunk(request->exchange) && !request_needs_count(request, state),
      .has_stale = request->plan.stale_if_error};
  return awaited_decide(&facts);
}

/* --- what follows --- */

/* A token that was revoked while its request waited sees neither stored results nor an answer that
 * another token paid for. A request that leads its flight has paid for the answer itself. */
static enum step reply(struct request *request, enum step step) {
  enum plan_refusal bar = PLAN_NOT_REFUSED;
  if (step != STEP_RELAY || !request->leads)
    bar = plan_bar(request_standing(request));
  return bar ? request_refuse(request, bar) : step;
}

static enum step withhold(struct request *request) {
  fault_set(&request->fault, FAULT_UPSTREAM, "upstream failed with status %u",
            request->seen.head.status);
  return STEP_REFUSE;
}

static enum step time_out(struct request *request) {
  fault_set(&request->fault, FAULT_UPSTREAM_TIMEOUT,
            "upstream sent nothing for %lld s, the wait for a place there included "
            "(upstream.stall_timeout, upstream.max_inflight)",
            (long long)request->settings->stall_timeout);
  return STEP_REFUSE;
}

/* A dialect that translates cannot be asked in another form. */
static enum step fail_rewriting(struct request *request) {
  fault_set(&request->fault, FAULT_UPSTREAM,
            "upstream's answer cannot be written in the form that was asked for: try output=json");
  return STEP_REFUSE;
}

/* The answer is made of that to the wider query, if it can be: else the query itself is asked, as it
 * is where upstream's error would not be in the client's form. */
static enum step relay(struct request *request) {
  if (request_is_subscription_info(request))
    return request_write_subscription_info(request);
  if (request_rewrite(request, &request->seen))
    return reply(request, STEP_RELAY);
  if (dialect_for(request->settings)->translates)
    return fail_rewriting(request);
  request->asks_itself = true;
  request_note_no_use(request, &request->seen);
  request->has_paid |= request->leads && paid_is_booked(request->flight);
  if (request->seen.phase == FLIGHT_CONCLUDED)
    request_leave(request);
  else
    request_leave_lead(request);
  request->earlier = request->spent;
  request->earlier_is_known = request->cost_is_known;
  return STEP_PLAN;
}

static enum step follow(struct request *request, enum awaited_action action) {
  switch (action) {
  case AWAITED_PLAN_AGAIN:
    request_leave(request);
    return STEP_PLAN;
  case AWAITED_STALE:
    return reply(request, request_serve(request));
  case AWAITED_RELAY:
    return relay(request);
  case AWAITED_REFUSE:
    return request_fail(request, &request->seen.refusal);
  case AWAITED_FAIL:
    return request_fail(request, &request->seen.verdict.fault);
  case AWAITED_WITHHOLD:
    return withhold(request);
  case AWAITED_TIMEOUT:
    return time_out(request);
  case AWAITED_AWAIT_END:
    break;
  }
  return STEP_WAIT;
}

/* Notes the request's own part in the flight, which the reply states. */
static void note_part(struct request *request) {
  const struct flight_state *state = &request->seen;
  if (state->phase == FLIGHT_WAITING) {
    request_leave_lead(request);
    request->impatient = true;
  } else if (state->phase == FLIGHT_CONCLUDED && request->leads) {
    struct answer_cost cost = paid_cost(request->flight);
    request_note_cost(request, &cost);
  }
}

enum step step_await(struct request *request) {
  if (!flight_await(request->reader))
    return STEP_WAIT;
  enum awaited_action action = decide(request, false);
  if (action == AWAITED_AWAIT_END) {
    if (!flight_await_end(request->reader))
      return STEP_WAIT;
    action = decide(request, true);
  }
  if (action != AWAITED_PLAN_AGAIN)
    note_part(request);
  return follow(request, action);
}
