/* /api/request/ID: what became of a request. */
#include "admin/route.h"

#include "base/json.h"

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
         fault_set(
             fault, FAULT_UNKNOWN_PATH,
             "no request with this id is known; a request that spent nothing is forgotten after "
             "some thousands of others, and at a restart");
}

static void write_optional(struct json *json, const char *name, const char *text) {
  if (*text)
    json_text(json, name, view_of(text));
  else
    json_null(json, name);
}

/* The cost of an open request is unknown; its maximum is reserved. */
static void write_cost(struct json *json, const struct fate *fate) {
  const char *state = fate->is_in_ledger ? fate->found.state : "free";
  json_text(json, "state", view_of(state));
  if (strcmp(state, "open") == 0)
    json_null(json, "rows_spent");
  else if (fate->is_in_ledger)
    json_amount(json, "rows_spent", fate->found.spent);
  else
    json_rows(json, "rows_spent", fate->trace.spent);
  if (fate->is_in_ledger)
    json_amount(json, "rows_reserved", fate->found.most);
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

bool route_request(struct route_call *call, struct text *body, struct fault *fault) {
  struct fate fate = {.is_traced = false};
  struct json json;
  if (!find_fate(call->serve, call->rest, &fate, fault))
    return false;
  json_begin(&json, body);
  write_fate(&json, call->rest, &fate);
  return json_end(&json, fault);
}
