/* /api/request/ID: what became of a request. */
#include "admin/route.h"

#include "base/json.h"

#include <stdio.h>

struct fate {
  struct trace trace;
  struct ledger_found found;
  bool is_traced, is_in_ledger;
};

static bool find_fate(const struct admin_rooms *rooms, struct view id, struct fate *fate,
                      struct fault *fault) {
  char text[LEDGER_REQUEST_ID_SIZE];
  if (id.length >= sizeof text)
    return fault_set(fault, FAULT_UNKNOWN_PATH, "no request has such an id");
  snprintf(text, sizeof text, "%.*s", VIEW_ARGS(id));
  if (!ledger_find(rooms->reconcile.ledger, text, &fate->found, &fate->is_in_ledger, fault))
    return false;
  fate->is_traced = traces_find(rooms->traces, text, &fate->trace);
  return fate->is_traced || fate->is_in_ledger ||
         fault_set(
             fault, FAULT_UNKNOWN_PATH,
             "no request with this id is known; a request that spent nothing is forgotten after "
             "some thousands of others, and at a restart");
}

/* The ledger does not keep how a request ended. */
static void write_end(struct json *json, const struct fate *fate) {
  if (!fate->is_traced) {
    json_null(json, "outcome");
    json_null(json, "status");
    return;
  }
  json_text(json, "outcome", view_of(outcome_word(fate->trace.outcome)));
  json_integer(json, "status", fate->trace.status);
}

/* A request that asked upstream several times has its first entry under its id; the trace has the
 * sum, unless its client left before the end. */
static struct amount spent_of(const struct fate *fate) {
  struct amount found = fate->found.spent, traced = fate->trace.spent;
  if (!fate->is_in_ledger)
    return traced;
  bool is_more =
      fate->is_traced && traced.currency == found.currency && amount_order(traced, found) > 0;
  return is_more ? traced : found;
}

static void write_spent(struct json *json, enum currency currency, const struct fate *fate) {
  struct amount spent = spent_of(fate);
  bool is_open = fate->is_in_ledger && strcmp(fate->found.state, "open") == 0;
  if (is_open && spent.currency == currency)
    json_null(json, currency == CURRENCY_ROWS ? "rows_spent" : "units_spent");
  else
    json_amount_in(json, currency, "spent", spent);
}

/* The cost of an open request is unknown; its maximum is reserved. */
static void write_cost(struct json *json, const struct fate *fate) {
  json_text(json, "state", view_of(fate->is_in_ledger ? fate->found.state : "free"));
  for (enum currency currency = 0; currency < CURRENCIES; currency++) {
    write_spent(json, currency, fate);
    if (fate->is_in_ledger)
      json_amount_in(json, currency, "reserved", fate->found.most);
    json_amount_in(json, currency, "saved",
                   fate->is_traced ? fate->trace.saved : amount_zero(currency));
  }
  json_bool(json, "estimated", fate->is_in_ledger && fate->found.estimated);
}

static void write_fate(struct json *json, struct view id, const struct fate *fate) {
  const char *token = fate->is_in_ledger ? fate->found.token : fate->trace.token;
  json_map(json, NULL);
  json_text(json, "id", id);
  write_end(json, fate);
  json_text(json, "token", view_of(token));
  json_integer(json, "at", fate->is_in_ledger ? fate->found.at : fate->trace.at);
  write_cost(json, fate);
  json_map_end(json);
}

bool route_request(struct route_call *call, struct text *body, struct fault *fault) {
  struct fate fate = {.is_traced = false};
  struct json json;
  if (!find_fate(call->rooms, call->rest, &fate, fault))
    return false;
  json_begin(&json, body);
  write_fate(&json, call->rest, &fate);
  return json_end(&json, fault);
}
