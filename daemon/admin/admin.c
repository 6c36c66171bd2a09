#include "admin/admin.h"

#include "admin/admit.h"
#include "admin/route.h"
#include "base/json.h"
#include "base/scope.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define MAX_URI ((size_t)32 * 1024)
#define MAX_HEADERS ((size_t)16 * 1024)
#define MAX_HEADER_COUNT 256
#define MAX_BODY ((size_t)16 * 1024)

struct admin {
  struct exchange_handler handler;
  struct admin_rooms rooms;
  atomic_bool ready;
  pthread_mutex_t lock; /* of `token` */
  struct secret *token; /* NULL: none is asked for */
};

static const char *const types[] = {
    [ROUTE_JSON] = "application/json",
    [ROUTE_TEXT] = "text/plain; charset=utf-8",
    [ROUTE_HTML] = "text/html; charset=utf-8",
    [ROUTE_METRICS] = "text/plain; version=0.0.4; charset=utf-8",
};

/* --- replies --- */

/* Not cached, not sniffed, not framed. */
static void reply(struct exchange *exchange, unsigned status, enum route_type type,
                  struct text *body) {
  exchange_add_header(exchange, "Content-Type", types[type]);
  exchange_add_header(exchange, "Cache-Control", "no-store");
  exchange_add_header(exchange, "X-Content-Type-Options", "nosniff");
  exchange_add_header(exchange, "Content-Security-Policy",
                      "default-src 'none'; frame-ancestors 'none'");
  exchange_reply_text(exchange, status, body);
}

static void reply_fault(struct exchange *exchange, const struct fault *fault) {
  scope_text struct text body = {0};
  struct json json;
  json_begin(&json, &body);
  json_map(&json, NULL);
  json_text(&json, "error", view_of(fault->text));
  json_map_end(&json);
  if (!json_end(&json, NULL))
    text_clear(&body); /* no memory: the status must do */
  exchange_add_header(exchange, "X-Status", "error");
  if (fault->retry_after > 0) {
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRId64, fault->retry_after);
    exchange_add_header(exchange, "Retry-After", seconds);
  }
  reply(exchange, fault_status(fault->kind), ROUTE_JSON, &body);
}

/* --- the answer --- */

static bool no_route(struct exchange *exchange, struct view path, struct fault *fault) {
  scope_text struct text methods = {0};
  if (!route_methods(path, &methods))
    return fault_set(fault, FAULT_UNKNOWN_PATH, "there is nothing at this path; see /");
  exchange_add_header(exchange, "Allow", text_string(&methods));
  return fault_set(fault, FAULT_METHOD, "this path takes %s", text_string(&methods));
}

static bool run_route(const struct route *route, struct route_call *call, struct exchange *exchange,
                      struct fault *fault) {
  scope_text struct text body = {.limit = JSON_LIMIT};
  if (!route_read_parameters(route, call, fault) || !route->function(call, &body, fault))
    return false;
  if (!call->waits)
    reply(exchange, call->status, route->type, &body);
  return true;
}

/* The text of exchange_fault() names the limits of the client side, which do not apply here. */
static bool is_sound(const struct exchange *exchange, struct fault *fault) {
  const struct fault *found = exchange_fault(exchange);
  if (found->kind == FAULT_NONE)
    return true;
  if (found->kind == FAULT_MALFORMED)
    return fault_set(fault, found->kind, "%s", found->text);
  return fault_set(
      fault, found->kind,
      "the request is too large for the admin side, which takes %zu KiB of URI, %zu KiB of "
      "headers, %d headers and %zu KiB of body",
      MAX_URI / 1024, MAX_HEADERS / 1024, MAX_HEADER_COUNT, MAX_BODY / 1024);
}

static bool admit(struct admin *admin, struct exchange *exchange, struct view path,
                  struct fault *fault) {
  pthread_mutex_lock(&admin->lock);
  struct secret *token = secret_hold(admin->token);
  pthread_mutex_unlock(&admin->lock);
  bool ok = is_sound(exchange, fault) && admit_request(exchange, path, token, fault);
  secret_release(&token);
  return ok;
}

static bool answer(struct admin *admin, struct exchange *exchange, bool *waits,
                   struct fault *fault) {
  struct view uri = exchange_uri(exchange), path = uri;
  struct route_call call = {.rooms = &admin->rooms,
                            .ready = atomic_load(&admin->ready),
                            .args = VIEW(""),
                            .status = 200,
                            .exchange = exchange};
  const char *mark = memchr(uri.at, '?', uri.length);
  if (mark) {
    path = view_first(uri, (size_t)(mark - uri.at));
    call.args = view_from(uri, path.length + 1);
  }
  bool has_waited = exchange_data(exchange) != NULL; /* it was admitted then */
  if (!has_waited && !admit(admin, exchange, path, fault))
    return false;
  const struct route *route = route_find(exchange_method(exchange), path, &call.rest);
  if (!route)
    return no_route(exchange, path, fault);
  bool ok = run_route(route, &call, exchange, fault);
  form_free(&call.form);
  *waits = call.waits;
  return ok;
}

/* --- the handler --- */

static struct exchange_limits limits(void *context) {
  (void)context;
  return (struct exchange_limits){.head = {MAX_URI, MAX_HEADERS, MAX_HEADER_COUNT},
                                  .body = MAX_BODY,
                                  .bodies =
                                      SIZE_MAX, /* the small number of connections limits both */
                                  .kept = SIZE_MAX};
}

static enum exchange_step step(void *context, struct exchange *exchange) {
  struct fault fault;
  bool waits = false;
  if (exchange_client(exchange) == EXCHANGE_CLIENT_GONE) {
    fault_set(&fault, FAULT_GONE, "the client closed the connection before there was an answer");
    reply_fault(exchange, &fault);
  } else if (!answer(context, exchange, &waits, &fault)) {
    reply_fault(exchange, &fault);
  }
  return waits ? EXCHANGE_WAIT : EXCHANGE_REPLIED;
}

static void finished(void *context, struct exchange *exchange) {
  (void)context;
  route_end_work(exchange);
}

bool admin_create(const struct admin_rooms *rooms, struct secret *token, struct admin **out,
                  struct fault *fault) {
  struct admin *admin = calloc(1, sizeof *admin);
  *out = admin;
  if (!admin)
    return fault_no_memory(fault);
  admin->rooms = *rooms;
  admin->token = secret_hold(token);
  pthread_mutex_init(&admin->lock, NULL);
  admin->handler = (struct exchange_handler){limits, step, finished, admin, false};
  return true;
}

void admin_release(struct admin **address) {
  struct admin *admin = steal(*address);
  if (!admin)
    return;
  secret_release(&admin->token);
  pthread_mutex_destroy(&admin->lock);
  free(admin);
}

void admin_set_token(struct admin *admin, struct secret *token) {
  pthread_mutex_lock(&admin->lock);
  struct secret *before = admin->token;
  admin->token = secret_hold(token);
  pthread_mutex_unlock(&admin->lock);
  secret_release(&before);
}

const struct exchange_handler *admin_handler(struct admin *admin) {
  return &admin->handler;
}

void admin_set_ready(struct admin *admin, bool ready) {
  atomic_store(&admin->ready, ready);
}
