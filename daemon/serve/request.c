/* The life of a request, and what several of its steps do. */
#include "serve/request.h"

#include "base/clock.h"
#include "base/scope.h"
#include "dialect/dialect.h"
#include "serve/quick.h"

#include <sys/random.h>

/* --- life --- */

static void make_id(char id[REQUEST_ID_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[(REQUEST_ID_SIZE - 1) / 2];
  /* Cannot fail or return fewer bytes: getrandom(2), up to 256 bytes. */
  CHECK(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    id[2 * i] = digits[bytes[i] >> 4];
    id[2 * i + 1] = digits[bytes[i] & 15];
  }
  id[REQUEST_ID_SIZE - 1] = '\0';
}

static void finish(struct visit *visit) {
  struct request *request = (struct request *)visit;
  struct serve *serve = request->serve;
  request_account(request);
  findings_release(&request->found);
  query_release(&request->wide);
  query_release(&request->whole.query);
  text_free(&request->rewritten);
  request_leave_computed(request);
  flight_leave(&request->reader);
  flight_release(&request->flight);
  query_release(&request->query);
  settings_release(&request->settings);
  secret_release(&request->own_token);
  free(request);
  serve_leave(serve);
}

static struct request *request_create(struct serve *serve, struct exchange *exchange) {
  struct request *request = calloc(1, sizeof *request);
  if (!request)
    return NULL;
  request->visit.finish = finish;
  request->serve = serve;
  request->exchange = exchange;
  current_hold(serve->rooms.current, &request->settings, &request->own_token);
  request->wish = WISH_NONE;
  request->at = clock_milliseconds();
  request->outcome = OUTCOME_ERROR;
  request->spent = amount_zero(dialect_for(request->settings)->currency);
  request->saved = request->earlier = request->spent;
  request->cost_is_known = request->earlier_is_known = true;
  make_id(request->id);
  memcpy(request->paid_id, request->id, sizeof request->paid_id);
  serve_enter(serve);
  exchange_set_data(exchange, request);
  return request;
}

bool request_is_head(const struct request *request) {
  return view_is(exchange_method(request->exchange), "HEAD");
}

bool request_is_strangers(const struct request *request) {
  struct inquiry inquiry = request_inquiry(request);
  return request->has_token && facts_is_strangers(&inquiry, &request->token);
}

/* --- what several steps do --- */

void request_wake(void *exchange) {
  exchange_wake(exchange);
}

void request_take(struct request *request, struct flight_reader *reader) {
  if (!reader)
    return;
  CHECK(!request->flight && !request->reader);
  request->reader = reader;
  request->flight = flight_hold(flight_of(reader));
}

bool request_join(struct request *request, const struct digest *key,
                  const struct flights_maker *maker, struct flights_place *place) {
  struct flights_waker waker = {.wake = request_wake, .context = request->exchange};
  if (flights_join(request->serve->rooms.flights, key, maker, &waker, place, &request->fault) ==
      FLIGHTS_FAILED)
    return false;
  request_take(request, place->reader);
  return true;
}

void request_send(struct flights_place *place, bool is_needed) {
  if (is_needed)
    paid_send(place->started);
  else
    paid_withdraw(place->started);
  flight_release(&place->started);
}

void request_spend(struct request *request, struct flights_place *place, bool is_needed) {
  request_send(place, is_needed);
  if (is_needed)
    make_id(request->paid_id); /* no two entries have the same */
}

void request_leave(struct request *request) {
  flight_leave(&request->reader);
  flight_release(&request->flight);
  request->leads = false;
}

void request_leave_lead(struct request *request) {
  request->left_lead = request->left_lead || request->leads;
  request->cost_is_known = request->cost_is_known && !request->leads;
  request_leave(request);
}

bool request_has_joined(const struct request *request) {
  return !request->leads && !request->has_paid && !request->has_bought;
}

void request_note_cost(struct request *request, const struct answer_cost *cost) {
  request->spent = amount_add(request->earlier, cost->spent);
  request->cost_is_known = request->earlier_is_known && cost->is_known;
}

void request_leave_computed(struct request *request) {
  flight_leave(&request->computing);
  flight_release(&request->computed);
}

enum step request_fail(struct request *request, const struct fault *fault) {
  request->fault = *fault;
  return STEP_REFUSE;
}

enum step request_refuse(struct request *request, enum plan_refusal refusal) {
  if (refusal == PLAN_REFUSED_NO_TOKEN && request->is_call)
    refusal = PLAN_REFUSED_NO_KEY;
  (void)plan_refuse(refusal, request->token.label, &request->fault);
  /* These give better texts. */
  if (refusal == PLAN_REFUSED_LIMIT)
    (void)!query_check_limit(request->query, &request->fault);
  if (refusal == PLAN_REFUSED_UNTRANSLATABLE)
    (void)!facts_check_translation(request->settings, request->query, request->has_foreign_body,
                                   &request->fault);
  return STEP_REFUSE;
}

enum step request_no_memory(struct request *request) {
  (void)fault_no_memory(&request->fault);
  return STEP_REFUSE;
}

void request_finished(void *context, struct exchange *exchange) {
  struct visit *visit = exchange_data(exchange);
  (void)context;
  if (visit)
    visit->finish(visit);
}

enum exchange_step request_step(void *context, struct exchange *exchange) {
  struct request *request = exchange_data(exchange);
  if (!request && quick_answer(context, exchange))
    return EXCHANGE_REPLIED;
  if (!request)
    request = request_create(context, exchange);
  if (request)
    return steps_run(request);
  exchange_reply_shared(exchange, 500, VIEW("{\"error\":\"out of memory\"}"), EXCHANGE_IDENTITY,
                        NULL, NULL);
  return EXCHANGE_REPLIED;
}
