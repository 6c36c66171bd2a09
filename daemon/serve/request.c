#include "serve/request.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/num.h"

#include <sys/random.h>

/* --- life --- */

static void make_id(char id[REQUEST_ID_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[(REQUEST_ID_SIZE - 1) / 2];
  /* Never short for so few bytes, once the system has begun (getrandom(2)). */
  CHECK(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    id[2 * i] = digits[bytes[i] >> 4];
    id[2 * i + 1] = digits[bytes[i] & 15];
  }
  id[REQUEST_ID_SIZE - 1] = '\0';
}

static struct request *request_create(struct serve *serve, struct exchange *exchange) {
  struct request *request = calloc(1, sizeof *request);
  if (!request)
    return NULL;
  request->serve = serve;
  request->exchange = exchange;
  request->settings = serve_settings(serve);
  request->wish = WISH_NONE;
  request->at = clock_milliseconds();
  request->chunk_number = -1;
  request->outcome = SERVE_ERROR;
  request->cost_is_known = true;
  make_id(request->id);
  atomic_fetch_add(&serve->requests, 1);
  exchange_set_data(exchange, request);
  return request;
}

static void forget_stored(struct request *request) {
  if (request->has_stored)
    cache_unpin(request->serve->cache, request->stored.id);
  request->has_stored = false;
}

/* --- the end: one place counts --- */

static void label_of(const struct request *request, char label[LEDGER_LABEL_SIZE]) {
  if (request->has_token)
    ledger_label(request->serve->ledger, &request->fingerprint, label);
  else
    strcpy(label, "-");
}

/* What was not known when the head went out: the true cost, and whether the answer broke off. */
static void note_end(struct request *request) {
  struct flight_state state;
  if (!request->reader || request->outcome == SERVE_ERROR || request->outcome == SERVE_STALE)
    return;
  flight_look(flight_of(request->reader), &state);
  if (state.phase != FLIGHT_CONCLUDED)
    return;
  struct paid_cost cost = paid_cost(flight_of(request->reader));
  if (request->leads) {
    request->spent = cost.spent;
    request->cost_is_known = cost.is_known;
  } else {
    request->saved = cost.spent;
  }
  if (state.verdict.outcome == ANSWER_BROKEN) {
    request->outcome = SERVE_ERROR;
    request->saved = (struct rows){0};
  }
}

static void count_in_ledger(const struct request *request) {
  bool is_booked = request->leads && paid_is_booked(flight_of(request->reader));
  bool is_error = request->outcome == SERVE_ERROR;
  if (!request->has_token || (is_booked && rows_is_zero(request->saved)))
    return;
  struct view target = request->query ? query_target_text(request->query) : VIEW("");
  enum ledger_free what = is_booked ? LEDGER_SAVED : is_error ? LEDGER_ERROR : LEDGER_HIT;
  ledger_count(request->serve->ledger, &request->fingerprint, target, what, request->saved);
}

static void log_request(const struct request *request, const char *label, int64_t nanoseconds) {
  struct view target = request->query ? query_target_text(request->query) : VIEW("");
  scope_free char *text = strndup(target.at, target.length);
  log_info("request", "id=%s outcome=%s status=%u token=%s target=%s spent=%s%s saved=%s ms=%lld",
           request->id, serve_outcome_word(request->outcome), request->status, label,
           LOG_VALUE(text), ROWS_TEXT(request->spent), request->cost_is_known ? "" : "?",
           ROWS_TEXT(request->saved), (long long)(nanoseconds / 1000000));
}

static void account(struct request *request) {
  char label[LEDGER_LABEL_SIZE];
  int64_t nanoseconds = clock_monotonic() - exchange_began(request->exchange);
  note_end(request);
  label_of(request, label);
  count_in_ledger(request);
  serve_count(request->serve, request->outcome, nanoseconds);
  struct serve_trace trace = {.status = request->status,
                              .at = request->at,
                              .cost_is_known = request->cost_is_known,
                              .spent = request->spent,
                              .saved = request->saved};
  strcpy(trace.outcome, serve_outcome_word(request->outcome));
  strcpy(trace.token, label);
  trace_add(request->serve->traces, request->id, &trace);
  if (request->settings->log_requests == 0 || !rows_is_zero(request->spent) ||
      request->outcome == SERVE_ERROR)
    log_request(request, label, nanoseconds);
}

void request_finished(void *context, struct exchange *exchange) {
  struct serve *serve = context;
  struct request *request = exchange_data(exchange);
  if (!request)
    return;
  account(request);
  forget_stored(request);
  flight_leave(&request->reader);
  query_release(&request->query);
  settings_release(&request->settings);
  free(request->chunk);
  free(request);
  atomic_fetch_sub(&serve->requests, 1);
}

/* --- check: is it a request that can be answered at all --- */

/* The request target's path and query, in origin form or in absolute form (RFC 9112 3.2). */
static void split_uri(struct view uri, struct view *path, struct view *args) {
  const char *authority = memmem(uri.at, uri.length, "://", 3);
  if (uri.length && uri.at[0] != '/' && authority) {
    uri = view_from(uri, (size_t)(authority - uri.at) + 3);
    size_t end = 0;
    while (end < uri.length && uri.at[end] != '/' && uri.at[end] != '?')
      end++;
    uri = view_from(uri, end);
  }
  const char *mark = uri.length ? memchr(uri.at, '?', uri.length) : NULL;
  *path = mark ? view_first(uri, (size_t)(mark - uri.at)) : uri;
  *args = mark ? view_from(uri, path->length + 1) : VIEW("");
}

static bool is_form(struct view content_type) {
  struct view type = content_type;
  const char *semicolon = type.length ? memchr(type.at, ';', type.length) : NULL;
  if (semicolon)
    type = view_first(type, (size_t)(semicolon - type.at));
  return num_same_word(view_trim(type), VIEW("application/x-www-form-urlencoded"));
}

static void add_wish(void *wish, struct view value) {
  wish_parse(wish, value);
}

static bool check_line(struct request *request, struct view *args, struct fault *fault) {
  struct view path, method = exchange_method(request->exchange);
  if (exchange_fault(request->exchange)->kind != FAULT_NONE) {
    *fault = *exchange_fault(request->exchange);
    return false;
  }
  split_uri(exchange_uri(request->exchange), &path, args);
  if (path.length && !view_is(path, "/"))
    return fault_set(fault, FAULT_UNKNOWN_PATH, "there is nothing at this path; ask at /?...");
  return view_is(method, "GET") || view_is(method, "POST") ||
         fault_set(fault, FAULT_METHOD, "the method is not allowed; use GET or POST");
}

static bool check_query(struct request *request, struct view args, struct fault *fault) {
  struct view body = exchange_body(request->exchange), form = VIEW("");
  if (body.length && view_is(exchange_method(request->exchange), "POST")) {
    if (is_form(exchange_header(request->exchange, "Content-Type")))
      form = body;
    else
      request->has_foreign_body = true;
  }
  return query_parse(args, form, &request->query, fault);
}

static bool check_token(struct request *request, struct fault *fault) {
  struct view token = query_token(request->query);
  if (token.length == 0)
    return fault_set(fault, FAULT_NO_TOKEN, "no token; add token=... to the parameters");
  request->fingerprint = ledger_fingerprint(request->serve->ledger, token);
  request->has_token = true;
  return true;
}

static enum v2_kind kind_of(const struct request *request) {
  switch (query_table(request->query)) {
  case QUERY_SUBSCRIPTION_INFO:
    return V2_FREE;
  case QUERY_OTHER:
    return V2_OTHER;
  case QUERY_BACKLINKS_NEW_LOST:
    break;
  }
  bool readable = query_output(request->query) == QUERY_JSON && !request->has_foreign_body;
  return readable ? V2_RESULTS : V2_OPAQUE;
}

static bool check_table(struct request *request, struct fault *fault) {
  request->kind = kind_of(request);
  return request->kind != V2_OTHER || request->settings->tables_other == 0 ||
         fault_set(fault, FAULT_REFUSED,
                   "only from=backlinks_new_lost is answered here (tables.other = refuse)");
}

static bool check(struct request *request, struct fault *fault) {
  struct view args;
  if (!check_line(request, &args, fault) || !check_query(request, args, fault) ||
      !check_token(request, fault) || !check_table(request, fault))
    return false;
  exchange_headers(request->exchange, "Cache-Control", add_wish, &request->wish);
  return true;
}

/* --- plan: what is stored, and what to do --- */

static void find_stored(struct request *request) {
  forget_stored(request);
  request->has_stored = request->kind == V2_RESULTS &&
                        cache_find(request->serve->cache, query_key(request->query),
                                   &request->stored);
}

static void decide(struct request *request) {
  const struct settings *settings = request->settings;
  int64_t age = request->has_stored ? clock_seconds() - request->stored.answered_at : 0;
  struct plan_facts facts = {.cacheable = request->kind == V2_RESULTS,
                             .stored = request->has_stored,
                             .age = age > 0 ? age : 0,
                             .wish = request->wish,
                             .ttl = settings->ttl,
                             .stale_if_error = settings->stale_if_error,
                             .stale_while_revalidate = settings->stale_while_revalidate};
  request->plan = plan_decide(&facts);
}

/* --- forward: join the flight of this query, or begin it --- */

static void wake(void *exchange) {
  exchange_wake(exchange);
}

static struct flight *begin(void *context, struct fault *fault) {
  struct request *request = context;
  struct view body = exchange_body(request->exchange);
  struct paid_order order = {.serve = request->serve,
                             .settings = request->settings,
                             .query = request->query,
                             .token = query_token(request->query),
                             .fingerprint = &request->fingerprint,
                             .id = request->id,
                             .kind = request->kind,
                             .store = request->plan.store ||
                                      request->plan.action == PLAN_HIT_AND_REFRESH,
                             .foreign_body = request->has_foreign_body ? &body : NULL,
                             .foreign_type =
                                 exchange_header(request->exchange, "Content-Type")};
  return paid_begin(&order, fault);
}

/* Between the first look and the flights' lock somebody's flight may have ended well. */
static bool look_again(void *context) {
  struct request *request = context;
  find_stored(request);
  decide(request);
  return request->plan.action != PLAN_FORWARD;
}

/* Nobody else can read it, and nothing of it is kept. */
static bool begin_private(struct request *request, struct fault *fault) {
  struct flight *flight = begin(request, fault);
  if (!flight)
    return false;
  request->leads = true;
  request->reader = flight_join(flight, wake, request->exchange);
  flight_release(&flight);
  return request->reader || fault_no_memory(fault);
}

static bool join(struct request *request, bool *found, struct fault *fault) {
  struct flights_start start = {.look = look_again, .start = begin, .context = request};
  enum flights_joined joined =
      flights_join(request->serve->flights, query_key(request->query), &start, wake,
                   request->exchange, &request->reader, fault);
  request->leads = joined == FLIGHTS_STARTED;
  *found = joined == FLIGHTS_FOUND;
  return joined != FLIGHTS_FAILED;
}

/* stale-while-revalidate: asks without reading; what comes of it is for the next request. */
static void refresh(struct request *request) {
  struct flights_start start = {.start = begin, .context = request};
  struct fault fault;
  if (flights_join(request->serve->flights, query_key(request->query), &start, NULL, NULL, NULL,
                   &fault) == FLIGHTS_FAILED)
    log_warning("refresh", "request=%s reason=%s", request->id, LOG_VALUE(fault.text));
}

/* --- await: what the flight has become --- */

static bool upstream_is_at_fault(const struct flight_state *state) {
  return state->verdict.outcome == ANSWER_BROKEN || state->head.status >= 500 ||
         state->head.status == 429;
}

/* The leader's token was refused, or its query: a request with another token asks for itself. */
static bool is_another_s_refusal(const struct request *request, const struct flight_state *state) {
  return !request->leads && state->verdict.outcome == ANSWER_REFUSED &&
         !upstream_is_at_fault(state) &&
         !paid_is_by(flight_of(request->reader), &request->fingerprint);
}

static enum exchange_step step_plan(struct request *request);

static enum exchange_step conclude(struct request *request, const struct flight_state *state) {
  if (is_another_s_refusal(request, state)) {
    flight_leave(&request->reader);
    return step_plan(request);
  }
  if (request->leads) {
    struct paid_cost cost = paid_cost(flight_of(request->reader));
    request->spent = cost.spent;
    request->cost_is_known = cost.is_known;
  }
  if (upstream_is_at_fault(state) && request->has_stored && request->plan.stale_if_error) {
    reply_stored(request, request->plan.freshness);
    return EXCHANGE_REPLIED;
  }
  if (state->verdict.outcome == ANSWER_BROKEN) {
    reply_fault(request, &state->verdict.fault);
  } else {
    reply_flight(request, state);
  }
  return EXCHANGE_REPLIED;
}

/* Who must see the end first: a client that could not tell a broken end (HTTP/1.0), and one that has
 * joined an answer that may be a refusal of somebody else's token. */
static bool needs_end(const struct request *request, const struct flight_state *state) {
  bool refusal = state->head.status != 200 || state->head.is_error;
  return (!exchange_can_chunk(request->exchange) && state->storing) ||
         (refusal && !request->leads);
}

static enum exchange_step step_await(struct request *request) {
  struct flight_state state;
  if (!flight_await(request->reader))
    return EXCHANGE_WAIT;
  flight_look(flight_of(request->reader), &state);
  if (state.phase == FLIGHT_CONCLUDED)
    return conclude(request, &state);
  if (needs_end(request, &state) && !flight_await_end(request->reader))
    return EXCHANGE_WAIT;
  flight_look(flight_of(request->reader), &state);
  if (state.phase == FLIGHT_CONCLUDED)
    return conclude(request, &state);
  reply_flight(request, &state);
  return EXCHANGE_REPLIED;
}

static enum exchange_step refuse(struct request *request, const struct fault *fault) {
  reply_fault(request, fault);
  return EXCHANGE_REPLIED;
}

static enum exchange_step step_forward(struct request *request) {
  struct fault fault;
  bool found = false;
  bool joinable = request->plan.store;
  if (!(joinable ? join(request, &found, &fault) : begin_private(request, &fault)))
    return refuse(request, &fault);
  return found ? step_plan(request) : step_await(request);
}

static enum exchange_step step_plan(struct request *request) {
  struct fault fault;
  find_stored(request);
  decide(request);
  switch (request->plan.action) {
  case PLAN_HIT_AND_REFRESH:
    refresh(request);
    __attribute__((fallthrough));
  case PLAN_HIT:
    reply_stored(request, request->plan.freshness);
    return EXCHANGE_REPLIED;
  case PLAN_GATEWAY_TIMEOUT:
    fault_set(&fault, FAULT_NOT_CACHED, "only-if-cached was asked for, and this is not cached");
    return refuse(request, &fault);
  case PLAN_FORWARD:
    break;
  }
  return step_forward(request);
}

enum exchange_step request_step(void *context, struct exchange *exchange) {
  struct request *request = exchange_data(exchange);
  if (request)
    return step_await(request); /* woken */
  request = request_create(context, exchange);
  if (!request) {
    exchange_reply(exchange, 500, VIEW("{\"error\":\"out of memory\"}"));
    return EXCHANGE_REPLIED;
  }
  struct fault fault;
  return check(request, &fault) ? step_plan(request) : refuse(request, &fault);
}
