#include "serve/request.h"

#include "base/clock.h"
#include "base/mask.h"
#include "base/scope.h"
#include "body/flight.h"
#include "body/stored.h"
#include "derived/derived.h"
#include "query/etag.h"
#include "query/uri.h"
#include "render/error.h"
#include "serve/headers.h"

#include <inttypes.h>
#include <stdio.h>

static void add_number(struct request *request, const char *name, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  exchange_add_header(request->exchange, name, text);
}

static void add_spent(struct request *request) {
  const char *name = headers_spent(request->spent.currency);
  exchange_add_header(request->exchange, name, AMOUNT_TEXT(request->spent));
}

static void add_saved(struct request *request, struct amount saved) {
  exchange_add_header(request->exchange, headers_saved(saved.currency), AMOUNT_TEXT(saved));
}

/* True if the reply names the request's id. A plain hit has no id in the log to look for. */
static bool shows_id(const struct request *request) {
  return request->flight || request->has_bought || request->has_shared || request->refreshes ||
         request->impatient || request->outcome == OUTCOME_ERROR ||
         request->settings->log_requests == LOG_REQUESTS_ALL;
}

static void add_common(struct request *request, const struct text *cache_status) {
  if (cache_status->length)
    exchange_add_header(request->exchange, "Cache-Status", text_string(cache_status));
  if (shows_id(request))
    exchange_add_header(request->exchange, "X-Request-Id", request->id);
  if (serve_is_draining(request->serve))
    exchange_add_header(request->exchange, "Connection", "close");
  if (request->cost_is_known)
    add_spent(request);
}

/* --- faults --- */

/* The form of the answer, an error's too. `output` is read even if the query cannot be parsed. */
static enum query_output output_of(const struct request *request) {
  return request->query ? query_output(request->query)
                        : uri_output(exchange_uri(request->exchange));
}

/* Where upstream sent no Content-Type, or one that may not be shown. */
static const char *default_type(const struct request *request) {
  return output_content_type(output_of(request));
}

/* The Content-Type of an answer that came with `type` or, if that is empty, without one. */
static void add_type(struct request *request, const char *type) {
  exchange_add_header(request->exchange, "Content-Type", *type ? type : default_type(request));
}

enum step step_refuse(struct request *request) {
  const struct fault *fault = &request->fault;
  scope_text struct text body = {0};
  scope_text struct text cache_status = {0};
  enum query_output output = output_of(request);
  error_render(output, view_of(fault->text), &body);
  exchange_add_header(request->exchange, "Content-Type", output_content_type(output));
  exchange_add_header(request->exchange, "X-Status", "error");
  exchange_add_header(request->exchange, "X-Results-Count", "0");
  exchange_add_header(request->exchange, "Cache-Control", "no-store");
  if (fault->kind == FAULT_METHOD)
    exchange_add_header(request->exchange, "Allow", "GET, HEAD, POST");
  if (fault->retry_after > 0)
    add_number(request, "Retry-After", fault->retry_after);
  if (request->plan.action == PLAN_FORWARD && request->flight && paid_is_booked(request->flight)) {
    struct flight_state state;
    flight_peek(request->flight, &state);
    struct headers_forward forward = {
        .reason = request->plan.reason, .status = state.head.status, .collapsed = !request->leads};
    headers_forward(&forward, &cache_status);
  }
  request->outcome = OUTCOME_ERROR;
  add_common(request, &cache_status);
  request->status = fault_status(fault->kind);
  exchange_reply_text(request->exchange, request->status, &body);
  return STEP_REPLIED;
}

/* --- the entity-tag of what is stored --- */

static void add_tag(struct request *request, const struct cache_validator *validator,
                    struct text *tag) {
  headers_tag((struct view){(const char *)validator->bytes, sizeof validator->bytes}, tag);
  if (text_ok(tag))
    exchange_add_header(request->exchange, "ETag", text_string(tag));
}

struct condition {
  struct view tag;
  bool holds; /* the client has the result with this tag */
};

static void look_for_tag(void *context, struct view value) {
  struct condition *condition = context;
  condition->holds = condition->holds || etag_is_listed(value, condition->tag);
}

/* RFC 9110 13.1.2. A POST asks a question here, too, but only GET and HEAD may get 304. */
static bool client_has(const struct request *request, struct view tag) {
  struct condition condition = {.tag = tag};
  if (tag.length && !view_is(exchange_method(request->exchange), "POST"))
    exchange_headers(request->exchange, "If-None-Match", look_for_tag, &condition);
  return condition.holds;
}

/* --- from the store --- */

static enum outcome hit_of(int64_t freshness, bool is_derived) {
  if (freshness <= 0)
    return OUTCOME_STALE;
  return is_derived ? OUTCOME_DERIVED : OUTCOME_HIT;
}

/* What the request says that it was, if it is answered from the store. One that bought the whole of
 * its target is a miss: it has spent what the whole cost. */
static void note_hit(struct request *request, bool is_derived, struct text *cache_status) {
  struct headers_forward forward = {
      .reason = request->missed, .stored = request->has_bought, .collapsed = !request->has_bought};
  if (request->has_bought || request->has_shared)
    headers_forward(&forward, cache_status);
  else
    headers_hit(request->plan.freshness, is_derived, cache_status);
  request->outcome = request->has_bought   ? OUTCOME_MISS
                     : request->has_shared ? OUTCOME_COLLAPSED
                                           : hit_of(request->plan.freshness, is_derived);
}

/* What an answer from the store has saved that costs `price` upstream. */
static struct amount saved_of(const struct request *request, struct amount price) {
  return request->has_bought ? amount_zero(price.currency) : price;
}

enum step step_stored(struct request *request) {
  scope_text struct text cache_status = {0};
  scope_text struct text tag = {0};
  const struct cache_entry *stored = cache_hold_entry(request->found.stored);
  struct amount saved = saved_of(request, stored->cost);
  int64_t age = clock_seconds() - stored->answered_at;
  add_tag(request, &stored->validator, &tag);
  bool not_modified = text_ok(&tag) && client_has(request, text_view(&tag));
  note_hit(request, stored->is_derived, &cache_status);
  request->status = not_modified ? 304 : 200;
  /* A HEAD saves nothing: it never spends. */
  if (!request_is_head(request)) {
    request->saved = saved;
    cache_count_hit(request->found.stored, saved);
  }
  add_number(request, "Age", age > 0 ? age : 0);
  add_common(request, &cache_status);
  add_saved(request, saved);
  if (!not_modified) { /* the client stored these with the bytes (RFC 9110 15.4.5) */
    add_type(request, stored->content_type);
    add_number(request, "X-Results-Count", stored->results);
  }
  /* A 304 and a HEAD state the length, too; their body is never read. */
  int64_t length = stored->body_length;
  struct body *body = body_stored(&request->found.stored, request->id);
  exchange_reply_body(request->exchange, request->status, length, &body);
  return STEP_REPLIED;
}

/* --- computed from the store --- */

/* The tag of the copy that is kept of it. */
static bool add_derived_tag(struct request *request) {
  static const struct cache_validator none;
  const struct cache_validator *validator = derived_validator(request->computed);
  scope_text struct text tag = {0};
  if (memcmp(validator, &none, sizeof none) == 0)
    return false;
  add_tag(request, validator, &tag);
  return text_ok(&tag) && client_has(request, text_view(&tag));
}

enum step step_derived(struct request *request) {
  struct flight_state state;
  scope_text struct text cache_status = {0};
  flight_peek(request->computed, &state);
  int64_t age = clock_seconds() - state.head.answered_at;
  bool not_modified = add_derived_tag(request);
  request->derives = true;
  struct amount saved = saved_of(request, state.head.cost.once);
  note_hit(request, true, &cache_status);
  request->status = not_modified ? 304 : 200;
  if (!request_is_head(request)) {
    request->saved = saved;
    cache_count_hit(request->found.source.hold, saved);
  }
  add_number(request, "Age", age > 0 ? age : 0);
  add_common(request, &cache_status);
  add_saved(request, saved);
  if (!not_modified) {
    add_type(request, state.head.content_type);
    add_number(request, "X-Results-Count", state.head.results_count);
  }
  struct body *body =
      body_flight(&request->computing, derived_hold(request->computed), request->id);
  bool concluded = state.phase == FLIGHT_CONCLUDED;
  exchange_reply_body(request->exchange, request->status,
                      concluded ? state.length : EXCHANGE_UNKNOWN_LENGTH, &body);
  return STEP_REPLIED;
}

/* --- from a flight --- */

/* Notes the cost as far as it is known when the head goes out. */
static void note_cost(struct request *request, const struct flight_state *state) {
  struct answer_cost cost =
      state->phase == FLIGHT_CONCLUDED ? paid_cost(request->flight) : state->head.cost;
  if (request->leads)
    request_note_cost(request, &cost);
  else
    request->saved = cost.once;
}

/* The type of an answer that is made of upstream's is that of its form. */
static const char *type_of(const struct request *request, const struct flight_state *state,
                           struct view secret) {
  const char *type = state->head.content_type;
  bool has_secret = mask_finds(&(struct mask){.secret = secret}, view_of(type));
  if (request_rewrites(request, state) && query_output(request->query) != QUERY_JSON)
    return output_content_type(query_output(request->query));
  return has_secret ? "" : type;
}

static void add_upstream_headers(struct request *request, const struct flight_state *state,
                                 struct view secret) {
  const struct answer_head *head = &state->head;
  bool read = state->phase == FLIGHT_CONCLUDED && request->kind == QUESTION_RESULTS &&
              state->verdict.outcome == ANSWER_COMPLETE && state->verdict.results >= 0;
  add_type(request, type_of(request, state, secret));
  if (head->results_count >= 0 || read)
    add_number(request, "X-Results-Count",
               head->results_count >= 0 ? head->results_count : state->verdict.results);
  if (head->is_error || (head->status == 200 && state->phase == FLIGHT_CONCLUDED &&
                         state->verdict.outcome == ANSWER_REFUSED))
    exchange_add_header(request->exchange, "X-Status", "error");
  if (head->retry_after > 0)
    add_number(request, "Retry-After", head->retry_after);
  int64_t age = clock_seconds() - head->answered_at;
  add_number(request, "Age", age > 0 ? age : 0);
}

/* True if the answer will be stored, as far as is known: it may still break off, or be too
 * large. */
static bool is_stored(const struct flight_state *state) {
  bool sound = state->phase != FLIGHT_CONCLUDED || state->verdict.outcome == ANSWER_COMPLETE;
  return state->storing && sound && state->head.status == 200 && !state->head.is_error;
}

enum step step_relay(struct request *request) {
  const struct flight_state *state = &request->seen;
  scope_text struct text cache_status = {0};
  scope_text struct text tag = {0};
  bool concluded = state->phase == FLIGHT_CONCLUDED;
  bool stored = is_stored(state);
  struct headers_forward forward = {.reason = request->plan.reason,
                                    .status = state->head.status,
                                    .stored = request->leads && request->plan.store && stored,
                                    .collapsed = !request->leads};
  struct view secret = paid_secret(request->flight, &request->fingerprint);
  note_cost(request, state);
  request->outcome = request->plan.reason == PLAN_BYPASS ? OUTCOME_BYPASS
                     : request->leads                    ? OUTCOME_MISS
                                                         : OUTCOME_COLLAPSED;
  request->status = state->head.status;
  headers_forward(&forward, &cache_status);
  bool rewrites = request_rewrites(request, state);
  /* Not where a mask may change bytes, or another answer is made: the tag is that of the stored
   * bytes. */
  if (stored && (concluded || !secret.length) && !rewrites)
    add_tag(request, paid_validator(request->flight), &tag);
  add_upstream_headers(request, state, secret);
  add_common(request, &cache_status);
  add_saved(request, request->saved);
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
