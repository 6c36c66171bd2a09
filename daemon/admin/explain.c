/* /api/explain: a query that is not sent. */
#include "admin/age.h"
#include "admin/route.h"
#include "base/json.h"

/* The error with which rowcache itself would answer; null if it would not. */
static void write_answer(struct json *json, const struct fault *fault) {
  if (fault->kind == FAULT_NONE) {
    json_null(json, "status");
    json_null(json, "error");
    return;
  }
  json_integer(json, "status", fault_status(fault->kind));
  json_text(json, "error", view_of(fault->text));
}

static void write_explanation(struct json *json, const struct serve_explanation *explanation) {
  json_map(json, NULL);
  json_text(json, "normal", text_view(&explanation->normal));
  json_text(json, "key", view_of(explanation->key));
  json_text(json, "outcome", view_of(explanation->outcome));
  json_text(json, "token", view_of(explanation->token));
  write_answer(json, &explanation->fault);
  json_bool(json, "stored", explanation->stored);
  age_write(json, explanation->stored ? explanation->age : AGE_UNKNOWN, explanation->freshness);
  json_amount(json, "least", explanation->least);
  json_amount(json, "most", explanation->most);
  json_bool(json, "estimated", explanation->estimated);
  json_map_end(json);
}

bool route_explain(struct route_call *call, struct text *body, struct fault *fault) {
  struct serve_explanation explanation = {.outcome = NULL};
  struct json json;
  bool ok = serve_explain(call->rooms->serve, call->args, &explanation, fault);
  if (ok) {
    json_begin(&json, body);
    write_explanation(&json, &explanation);
    ok = json_end(&json, fault);
  }
  text_free(&explanation.normal);
  return ok;
}
