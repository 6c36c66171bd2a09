#include "admin/inside.h"

#include "admin/guard.h"
#include "base/json.h"
#include "base/scope.h"
#include "serve/reconcile.h"

#include <inttypes.h>

#define MAX_URI ((size_t)32 * 1024)
#define MAX_HEADERS ((size_t)16 * 1024)
#define MAX_HEADER_COUNT 256
#define MAX_BODY ((size_t)16 * 1024)

const struct route routes[] = {
#define ROUTE(method, path, match, function, type, parameters, help) \
  {method, path, ROUTE_##match, route_##function, ROUTE_##type, parameters, help},
#include "tables/routes.def"
#undef ROUTE
    {.method = NULL},
};

static const char *const types[] = {
    [ROUTE_JSON] = "application/json",
    [ROUTE_TEXT] = "text/plain; charset=utf-8",
    [ROUTE_HTML] = "text/html; charset=utf-8",
    [ROUTE_METRICS] = "text/plain; version=0.0.4; charset=utf-8",
};

/* --- replies --- */

/* On every reply: it is of this moment, it is what it says it is, and no page may frame it. */
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
    text_clear(&body); /* no memory: the status has to do */
  exchange_add_header(exchange, "X-Status", "error");
  if (fault->retry_after > 0) {
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRId64, fault->retry_after);
    exchange_add_header(exchange, "Retry-After", seconds);
  }
  reply(exchange, fault_status(fault->kind), ROUTE_JSON, &body);
}

/* --- routes --- */

static bool path_matches(const struct route *route, struct view path, struct view *rest) {
  struct view begin = view_of(route->path);
  if (route->match == ROUTE_EXACT)
    return view_equal(path, begin);
  if (!view_starts(path, begin) || path.length == begin.length)
    return false;
  *rest = view_from(path, begin.length);
  return !memchr(rest->at, '/', rest->length);
}

static bool method_matches(const struct route *route, struct view method) {
  return view_is(method, route->method) ||
         (view_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* Writes the methods that `path` knows; false where the path is unknown. */
static bool list_methods(struct view path, struct text *methods) {
  struct view rest;
  bool any = false;
  for (const struct route *route = routes; route->method; route++)
    if (path_matches(route, path, &rest)) {
      text_printf(methods, "%s%s%s", any ? ", " : "", route->method,
                  strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
      any = true;
    }
  return any;
}

static bool no_route(struct exchange *exchange, struct view path, struct fault *fault) {
  scope_text struct text methods = {0};
  if (!list_methods(path, &methods))
    return fault_set(fault, FAULT_UNKNOWN_PATH, "there is nothing at this path; see /");
  exchange_add_header(exchange, "Allow", text_string(&methods));
  return fault_set(fault, FAULT_METHOD, "this path takes %s", text_string(&methods));
}

static const struct route *find_route(struct view method, struct view path, struct view *rest) {
  for (const struct route *route = routes; route->method; route++)
    if (path_matches(route, path, rest) && method_matches(route, method))
      return route;
  return NULL;
}

/* A misspelt parameter is refused: who asks for less by mistake would take the answer for more. */
static bool read_parameters(const struct route *route, struct call *call, struct fault *fault) {
  struct view known = view_of(route->parameters), body = exchange_body(call->exchange);
  if (view_is(known, "*"))
    return true;
  if (!form_parse(&call->form, call->args, fault) ||
      (strcmp(route->method, "POST") == 0 && !form_parse(&call->form, body, fault)))
    return false;
  for (size_t i = 0; i < call->form.count; i++)
    if (!view_has_word(known, call->form.pairs[i].name))
      return fault_set(fault, FAULT_MALFORMED, "'%s' is no parameter here; known: %s",
                       FORM_SHOWN(call->form.pairs[i].name), known.length ? known.at : "none");
  return true;
}

static bool run_route(const struct route *route, struct call *call, struct exchange *exchange,
                      struct fault *fault) {
  scope_text struct text body = {.limit = JSON_LIMIT};
  if (!read_parameters(route, call, fault) || !route->function(call, &body, fault))
    return false;
  if (!call->waits)
    reply(exchange, call->status, route->type, &body);
  return true;
}

/* --- what is let in --- */

static void check_host(void *context, struct view value) {
  bool *local = context;
  *local = *local && guard_host_is_local(value);
}

static void check_site(void *context, struct view value) {
  bool *foreign = context;
  *foreign = *foreign || guard_is_foreign(value);
}

static bool check_token(struct exchange *exchange, struct view token, struct fault *fault) {
  if (guard_has_token(exchange_header(exchange, "Authorization"), token))
    return true;
  exchange_add_header(exchange, "WWW-Authenticate", "Bearer realm=\"rowcache\"");
  return fault_set(fault, FAULT_NO_TOKEN,
                   "the admin side asks for the token of admin.token_file: send 'Authorization: "
                   "Bearer TOKEN'");
}

/* Monitoring needs no token to see whether the daemon lives. */
static bool is_for_all(struct view path) {
  return view_is(path, "/health");
}

static bool is_let_in(struct admin *admin, struct exchange *exchange, struct view path,
                      struct fault *fault) {
  bool local = true, foreign = false;
  pthread_mutex_lock(&admin->lock);
  struct secret *token = secret_hold(admin->token);
  pthread_mutex_unlock(&admin->lock);
  bool known = !token || is_for_all(path) || check_token(exchange, secret_view(token), fault);
  bool asks = token != NULL;
  secret_release(&token);
  if (!known)
    return false;
  exchange_headers(exchange, "Sec-Fetch-Site", check_site, &foreign);
  if (foreign)
    return fault_set(fault, FAULT_REFUSED,
                     "a web page of another origin sent this; type the address of the admin side "
                     "into the browser");
  exchange_headers(exchange, "Host", check_host, &local);
  if (!asks && !local)
    return fault_set(fault, FAULT_REFUSED,
                     "the admin side is asked by an IP address or as localhost, not by another "
                     "name: a web page could stand behind it");
  if (exchange_header(exchange, "Origin").length)
    return fault_set(fault, FAULT_REFUSED,
                     "a web page sent this, and none must look at anything here or change it; type "
                     "the address of the admin side into the browser");
  return true;
}

/* The limits here are not those that exchange_fault() has words for. */
static bool is_sound(const struct exchange *exchange, struct fault *fault) {
  const struct fault *found = exchange_fault(exchange);
  if (found->kind == FAULT_NONE)
    return true;
  if (found->kind == FAULT_MALFORMED)
    return fault_set(fault, found->kind, "%s", found->text);
  return fault_set(fault, found->kind,
                   "the request is too large for the admin side: %zu KiB of URI, %zu KiB of "
                   "headers, %d headers and %zu KiB of body are the most",
                   MAX_URI / 1024, MAX_HEADERS / 1024, MAX_HEADER_COUNT, MAX_BODY / 1024);
}

static bool answer(struct admin *admin, struct exchange *exchange, bool *waits,
                   struct fault *fault) {
  struct view uri = exchange_uri(exchange), path = uri;
  struct call call = {.admin = admin, .args = VIEW(""), .status = 200, .exchange = exchange};
  const char *mark = memchr(uri.at, '?', uri.length);
  if (mark) {
    path = view_first(uri, (size_t)(mark - uri.at));
    call.args = view_from(uri, path.length + 1);
  }
  bool was_let_in = exchange_data(exchange) != NULL; /* it waited */
  if (!was_let_in && (!is_sound(exchange, fault) || !is_let_in(admin, exchange, path, fault)))
    return false;
  const struct route *route = find_route(exchange_method(exchange), path, &call.rest);
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
                                  .bodies = SIZE_MAX, /* its few connections bound both */
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
  struct reconcile *reconcile = exchange_data(exchange);
  reconcile_release(&reconcile);
}

bool admin_create(struct serve *serve, struct secret *token, struct admin **out,
                  struct fault *fault) {
  struct admin *admin = calloc(1, sizeof *admin);
  *out = admin;
  if (!admin)
    return fault_no_memory(fault);
  admin->serve = serve;
  admin->token = secret_hold(token);
  pthread_mutex_init(&admin->lock, NULL);
  admin->handler = (struct exchange_handler){limits, step, finished, admin};
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
