#include "serve/reply.h"

#include "base/scope.h"
#include "query/etag.h"
#include "query/uri.h"
#include "render/error.h"
#include "serve/headers.h"

#include <inttypes.h>
#include <stdio.h>

void reply_number(struct request *request, const char *name, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  exchange_add_header(request->exchange, name, text);
}

static void add_spent(struct request *request) {
  const char *name = headers_spent(request->spent.currency);
  exchange_add_header(request->exchange, name, AMOUNT_TEXT(request->spent));
}

void reply_saved(struct request *request, struct amount saved) {
  exchange_add_header(request->exchange, headers_saved(saved.currency), AMOUNT_TEXT(saved));
}

/* --- the count of an answer --- */

static void add_known(struct request *request, const char *name, int64_t value) {
  if (value >= 0)
    reply_number(request, name, value);
}

/* Source: reference of v3, "Price"; contract, "v3". */
static void add_free(struct request *request, const struct reply_count *count) {
  add_known(request, "x-api-rows", count->results);
  add_known(request, "x-api-units-cost-total", count->listed);
  reply_number(request, "x-api-units-cost-total-actual", 0);
  exchange_add_header(request->exchange, "x-api-cache", "hit");
}

void reply_count(struct request *request, const struct reply_count *count) {
  if (request->is_call)
    add_free(request, count);
  else
    add_known(request, "X-Results-Count", count->results);
}

void reply_costs(struct request *request, const struct answer_head *head) {
  const struct v3_costs *costs = &head->costs;
  if (request_has_joined(request)) {
    add_free(request, &(struct reply_count){.results = costs->rows, .listed = costs->total});
    return;
  }
  add_known(request, "x-api-rows", costs->rows);
  add_known(request, "x-api-units-cost-row", costs->cost_row);
  add_known(request, "x-api-units-cost-total", costs->total);
  add_known(request, "x-api-units-cost-total-actual", costs->actual);
  if (*costs->cache)
    exchange_add_header(request->exchange, "x-api-cache", costs->cache);
}

/* --- what all replies have --- */

/* True if the reply names the request's id. A plain hit has no id in the log to look for. */
static bool shows_id(const struct request *request) {
  return request->flight || request->has_bought || request->has_shared || request->refreshes ||
         request->impatient || request->outcome == OUTCOME_ERROR ||
         request->settings->log_requests == LOG_REQUESTS_ALL;
}

void reply_name(struct request *request) {
  if (shows_id(request))
    exchange_add_header(request->exchange, "X-Request-Id", request->id);
  if (serve_is_draining(request->serve))
    exchange_add_header(request->exchange, "Connection", "close");
}

void reply_common(struct request *request, const struct text *cache_status) {
  if (cache_status->length)
    exchange_add_header(request->exchange, "Cache-Status", text_string(cache_status));
  reply_name(request);
  if (request->cost_is_known)
    add_spent(request);
}

/* --- faults --- */

/* The form of the answer, an error's too. `output` is read even if the query cannot be parsed. */
static enum query_output output_of(const struct request *request) {
  if (request->is_call)
    return QUERY_JSON;
  return request->query ? query_output(request->query)
                        : uri_output(exchange_uri(request->exchange));
}

/* Where upstream sent no Content-Type, or one that may not be shown. */
static const char *default_type(const struct request *request) {
  return output_content_type(output_of(request));
}

void reply_type(struct request *request, const char *type) {
  exchange_add_header(request->exchange, "Content-Type", *type ? type : default_type(request));
}

enum step step_refuse(struct request *request) {
  const struct fault *fault = &request->fault;
  scope_text struct text body = {0};
  scope_text struct text cache_status = {0};
  enum query_output output = output_of(request);
  error_render(output, view_of(fault->text), &body);
  exchange_add_header(request->exchange, "Content-Type", output_content_type(output));
  if (request->is_call) {
    if (fault->kind == FAULT_NO_TOKEN) /* RFC 9110 11.6.1 */
      exchange_add_header(request->exchange, "WWW-Authenticate", "Bearer");
  } else {
    exchange_add_header(request->exchange, "X-Status", "error");
    exchange_add_header(request->exchange, "X-Results-Count", "0");
  }
  exchange_add_header(request->exchange, "Cache-Control", "no-store");
  if (fault->kind == FAULT_METHOD)
    exchange_add_header(request->exchange, "Allow", request_methods(request));
  if (fault->retry_after > 0)
    reply_number(request, "Retry-After", fault->retry_after);
  if (request->plan.action == PLAN_FORWARD && request->flight && paid_is_booked(request->flight)) {
    struct flight_state state;
    flight_peek(request->flight, &state);
    struct headers_forward forward = {
        .reason = request->plan.reason, .status = state.head.status, .collapsed = !request->leads};
    headers_forward(&forward, &cache_status);
  }
  request->outcome = OUTCOME_ERROR;
  reply_common(request, &cache_status);
  request->status = fault_status(fault->kind);
  exchange_reply_text(request->exchange, request->status, &body);
  return STEP_REPLIED;
}

/* --- the entity-tag of what is stored --- */

struct condition {
  struct view tag;
  bool holds; /* the client has the result with this tag */
};

static void look_for_tag(void *context, struct view value) {
  struct condition *condition = context;
  condition->holds = condition->holds || etag_is_listed(value, condition->tag);
}

/* A POST asks a question here, too, but only GET and HEAD may get 304 (RFC 9110 13.1.2). */
static bool client_has(const struct request *request, struct view tag) {
  struct condition condition = {.tag = tag};
  if (!view_is(exchange_method(request->exchange), "POST"))
    exchange_headers(request->exchange, "If-None-Match", look_for_tag, &condition);
  return condition.holds;
}

static void write_tag(const struct request *request, const struct cache_validator *validator,
                      struct text *tag) {
  headers_tag((struct view){(const char *)validator->bytes, sizeof validator->bytes},
              exchange_takes_gzip(request->exchange), tag);
}

bool reply_client_has(const struct request *request, const struct cache_validator *validator) {
  scope_text struct text tag = {0};
  write_tag(request, validator, &tag);
  return text_ok(&tag) && client_has(request, text_view(&tag));
}

bool reply_tag(struct request *request, const struct cache_validator *validator) {
  scope_text struct text tag = {0};
  write_tag(request, validator, &tag);
  if (!text_ok(&tag))
    return false;
  exchange_add_header(request->exchange, "ETag", text_string(&tag));
  return client_has(request, text_view(&tag));
}
