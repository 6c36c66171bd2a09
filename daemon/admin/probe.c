/* /api/check-upstream: whether upstream works as configured; waits for upstream. */
#include "admin/route.h"
#include "base/json.h"

static const char *const kinds[] = {
    [VERDICT_YES] = "yes",
    [VERDICT_NO] = "no",
    [VERDICT_UNCLEAR] = "unclear",
    [VERDICT_UNASKED] = "not asked",
};

static void write_verdict(void *context, const struct probe_row *row,
                          const struct verdict *verdict) {
  struct json *json = context;
  json_map(json, NULL);
  json_text(json, "check", view_of(row->word));
  json_text(json, "statement", view_of(row->statement));
  json_bool(json, "required", row->need == PROBE_REQUIRED);
  json_text(json, "result", view_of(kinds[verdict->kind]));
  json_text(json, "detail", view_of(verdict->words));
  json_map_end(json);
}

static void write_end(struct json *json, const struct probe_end *end) {
  json_bool(json, "works", end->works);
  json_text(json, "api", end->is_v3 ? VIEW("v3") : VIEW("v2"));
  json_text(json, "url", view_of(end->url));
  json_integer(json, "requests", end->requests);
  json_amount(json, end->is_v3 ? "units_spent" : "rows_spent", end->spent);
}

/* Runs again each time that it is woken. */
bool route_check_upstream(struct route_call *call, struct text *body, struct fault *fault) {
  const struct probe_rooms rooms = {.current = call->rooms->reconcile.current,
                                    .ledger = call->rooms->reconcile.ledger,
                                    .desk = call->rooms->reconcile.desk,
                                    .transfer = call->rooms->transfer};
  struct route_work *work = route_work(call->exchange, fault);
  struct json json;
  if (!work)
    return false;
  if (!work->probe && !probe_begin(&rooms, route_wake, call->exchange, &work->probe, fault))
    return false;
  call->waits = !probe_await(work->probe);
  if (call->waits)
    return true;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_list(&json, "checks");
  struct probe_end end = probe_finish(work->probe, write_verdict, &json);
  json_list_end(&json);
  write_end(&json, &end);
  json_map_end(&json);
  return json_end(&json, fault);
}
