/* What the daemon knows of itself, of a query, and of a request that was. */
#include "admin/inside.h"

#include "base/clock.h"
#include "base/json.h"

/* --- /health --- */

bool route_health(struct call *call, struct text *body, struct fault *fault) {
  (void)fault;
  const char *state = "ok";
  if (serve_is_draining(call->admin->serve))
    state = "draining";
  else if (!atomic_load(&call->admin->ready))
    state = "starting";
  if (strcmp(state, "ok") != 0)
    call->status = fault_status(FAULT_UNAVAILABLE);
  text_printf(body, "%s\n", state);
  return true;
}

/* --- / --- */

/* The table's words hold nothing that HTML reads otherwise. */
bool route_index(struct call *call, struct text *body, struct fault *fault) {
  (void)call, (void)fault;
  text_add(body, VIEW("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                      "<title>rowcache</title>\n<h1>rowcache " ROWCACHE_VERSION "</h1>\n<dl>\n"));
  for (const struct route *route = routes; route->method; route++)
    text_printf(body, "<dt><code>%s %s%s</code></dt><dd>%s</dd>\n", route->method, route->path,
                route->match == ROUTE_BELOW ? "\xe2\x80\xa6" : "", route->help);
  text_add(body, VIEW("</dl>\n</html>\n"));
  return true;
}

/* --- /api/spend, /api/token, /api/correction --- */

static bool ask_account(account_function *function, struct call *call, struct text *body,
                        struct fault *fault) {
  return function(serve_ledger(call->admin->serve), call->rest, &call->form, body, fault);
}

bool route_spend(struct call *call, struct text *body, struct fault *fault) {
  return ask_account(account_spend, call, body, fault);
}

bool route_token_list(struct call *call, struct text *body, struct fault *fault) {
  return ask_account(account_tokens, call, body, fault);
}

bool route_token(struct call *call, struct text *body, struct fault *fault) {
  return ask_account(account_token, call, body, fault);
}

bool route_correction_list(struct call *call, struct text *body, struct fault *fault) {
  return ask_account(account_corrections, call, body, fault);
}

bool route_correction(struct call *call, struct text *body, struct fault *fault) {
  return ask_account(account_correct, call, body, fault);
}

/* --- /api/status --- */

static void write_requests(struct json *json, struct serve *serve) {
  int64_t hits = 0, answered = 0;
  json_map(json, "requests");
  for (enum serve_outcome i = 0; i < SERVE_OUTCOMES; i++) {
    struct serve_counts counts;
    serve_counts(serve, i, &counts);
    json_integer(json, serve_outcome_word(i), counts.requests);
    hits += serve_outcome_is_hit(i) ? counts.requests : 0;
    answered += i == SERVE_ERROR ? 0 : counts.requests;
  }
  json_map_end(json);
  json_part(json, "hit_rate", hits, answered);
}

static void ignore_row(void *context, const struct report_row *row) {
  (void)context, (void)row;
}

/* False where the ledger cannot be read: the amounts are null then, and the rest is still told. */
static bool write_amounts(struct json *json, const char *name, struct ledger *ledger, int32_t since,
                          int32_t until) {
  struct report_row total;
  if (!report_run(ledger, REPORT_BY_DAY, since, until, ignore_row, NULL, &total, NULL)) {
    json_null(json, name);
    return false;
  }
  json_map(json, name);
  json_rows(json, "spent", total.spent);
  json_rows(json, "unknown", total.unknown);
  json_rows(json, "saved", total.saved);
  json_map_end(json);
  return true;
}

static void write_warning(void *context, const struct token_row *row) {
  if (row->account.has_budget && row->account.warning)
    json_text(context, NULL, view_of(row->label));
}

/* The tokens whose budgets are nearly or wholly spent; false where they cannot be read. */
static bool write_warnings(struct json *json, struct ledger *ledger) {
  json_list(json, "budget_warnings");
  bool readable = token_list(ledger, write_warning, json, NULL);
  json_list_end(json);
  return readable;
}

static void write_ledger(struct json *json, struct ledger *ledger) {
  int32_t today = report_day(clock_milliseconds());
  json_map(json, "rows");
  bool readable = write_amounts(json, "today", ledger, today, today);
  readable =
      write_amounts(json, "all", ledger, REPORT_FOREVER_SINCE, REPORT_FOREVER_UNTIL) && readable;
  json_map_end(json);
  readable = write_warnings(json, ledger) && readable;
  json_text(json, "ledger", readable && !ledger_is_broken(ledger) ? VIEW("ok") : VIEW("broken"));
}

/* 0: never. */
static void write_time(struct json *json, const char *name, int64_t at) {
  if (at)
    json_integer(json, name, at);
  else
    json_null(json, name);
}

static void write_redirect(struct json *json, struct transfer *transfer) {
  struct transfer_redirect redirect;
  transfer_redirect(transfer, &redirect);
  if (!redirect.status) {
    json_null(json, "redirect");
    return;
  }
  json_map(json, "redirect");
  json_integer(json, "status", redirect.status);
  json_text(json, "location", view_of(redirect.location));
  json_map_end(json);
}

static void write_upstream(struct json *json, struct serve *serve) {
  struct settings *settings = serve_settings(serve);
  int64_t answered_at, failed_at;
  bool failing = transfer_health(serve_transfer(serve), &answered_at, &failed_at);
  const char *state = failing ? "failing" : "ok";
  if (!answered_at && !failed_at)
    state = "unknown";
  json_map(json, "upstream");
  json_text(json, "url", view_of(settings->upstream_url));
  json_text(json, "state", view_of(state));
  write_time(json, "answered_at", answered_at);
  write_time(json, "failed_at", failed_at);
  write_redirect(json, serve_transfer(serve));
  json_map_end(json);
  settings_release(&settings);
}

bool route_status(struct call *call, struct text *body, struct fault *fault) {
  struct serve *serve = call->admin->serve;
  struct cache_totals stored = cache_totals(serve_cache(serve));
  struct json json;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_text(&json, "version", VIEW(ROWCACHE_VERSION));
  json_integer(&json, "uptime_seconds", serve_uptime(serve));
  json_bool(&json, "draining", serve_is_draining(serve));
  json_integer(&json, "entries", stored.entries);
  json_integer(&json, "bytes", stored.bytes);
  write_requests(&json, serve);
  write_ledger(&json, serve_ledger(serve));
  json_integer(&json, "inflight", transfer_inflight(serve_transfer(serve)));
  write_upstream(&json, serve);
  json_map_end(&json);
  return json_end(&json, fault);
}

/* --- /api/explain --- */

static void write_explanation(struct json *json, const struct serve_explanation *explanation) {
  json_map(json, NULL);
  json_text(json, "normal", text_view(&explanation->normal));
  json_text(json, "key", view_of(explanation->key));
  json_text(json, "outcome", view_of(explanation->outcome));
  json_bool(json, "stored", explanation->stored);
  inside_write_age(json, explanation->stored ? explanation->age : AGE_UNKNOWN,
                   explanation->freshness);
  json_rows(json, "least", explanation->least);
  json_rows(json, "most", explanation->most);
  json_bool(json, "estimated", explanation->estimated);
  json_map_end(json);
}

bool route_explain(struct call *call, struct text *body, struct fault *fault) {
  struct serve_explanation explanation = {.outcome = NULL};
  struct json json;
  bool ok = serve_explain(call->admin->serve, call->args, &explanation, fault);
  if (ok) {
    json_begin(&json, body);
    write_explanation(&json, &explanation);
    ok = json_end(&json, fault);
  }
  text_free(&explanation.normal);
  return ok;
}

/* --- /api/request/ID --- */

struct fate {
  struct serve_trace trace;
  struct ledger_found found;
  bool is_traced, is_in_ledger;
};

static bool find_fate(struct serve *serve, struct view id, struct fate *fate, struct fault *fault) {
  char text[LEDGER_REQUEST_ID_SIZE];
  if (id.length >= sizeof text)
    return fault_set(fault, FAULT_UNKNOWN_PATH, "no request has such an id");
  snprintf(text, sizeof text, "%.*s", VIEW_ARGS(id));
  /* The ledger is asked by itself too, since a trace does not tell "settled" from "free". */
  if (!ledger_find(serve_ledger(serve), text, &fate->found, &fate->is_in_ledger, fault) ||
      !serve_find(serve, text, &fate->trace, &fate->is_traced, fault))
    return false;
  return fate->is_traced || fate->is_in_ledger ||
         fault_set(fault, FAULT_UNKNOWN_PATH,
                   "no request with this id is known; those that spent nothing are forgotten after "
                   "some thousands of others, and at a restart");
}

static void write_optional(struct json *json, const char *name, const char *text) {
  if (*text)
    json_text(json, name, view_of(text));
  else
    json_null(json, name);
}

/* While it is open, what it spent is not known; what it spends at most is reserved. */
static void write_cost(struct json *json, const struct fate *fate) {
  const char *state = fate->is_in_ledger ? fate->found.state : "free";
  json_text(json, "state", view_of(state));
  if (strcmp(state, "open") == 0)
    json_null(json, "rows_spent");
  else
    json_rows(json, "rows_spent", fate->is_in_ledger ? fate->found.spent : fate->trace.spent);
  if (fate->is_in_ledger)
    json_rows(json, "rows_reserved", fate->found.most);
  json_rows(json, "rows_saved", fate->trace.saved);
  json_bool(json, "estimated", fate->is_in_ledger ? fate->found.estimated : fate->trace.estimated);
}

static void write_fate(struct json *json, struct view id, const struct fate *fate) {
  const struct serve_trace *trace = &fate->trace;
  json_map(json, NULL);
  json_text(json, "id", id);
  write_optional(json, "outcome", trace->outcome);
  if (trace->status)
    json_integer(json, "status", trace->status);
  else
    json_null(json, "status");
  write_optional(json, "token", fate->is_in_ledger ? fate->found.token : trace->token);
  json_integer(json, "at", fate->is_in_ledger ? fate->found.at : trace->at);
  write_cost(json, fate);
  json_map_end(json);
}

bool route_request(struct call *call, struct text *body, struct fault *fault) {
  struct fate fate = {.is_traced = false};
  struct json json;
  if (!find_fate(call->admin->serve, call->rest, &fate, fault))
    return false;
  json_begin(&json, body);
  write_fate(&json, call->rest, &fate);
  return json_end(&json, fault);
}
