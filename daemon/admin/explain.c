/* /api/explain: a query that is not sent. */
#include "admin/age.h"
#include "admin/route.h"
#include "base/json.h"

static void write_explanation(struct json *json, const struct serve_explanation *explanation) {
  json_map(json, NULL);
  json_text(json, "normal", text_view(&explanation->normal));
  json_text(json, "key", view_of(explanation->key));
  json_text(json, "outcome", view_of(explanation->outcome));
  json_bool(json, "stored", explanation->stored);
  age_write(json, explanation->stored ? explanation->age : AGE_UNKNOWN, explanation->freshness);
  json_rows(json, "least", explanation->least);
  json_rows(json, "most", explanation->most);
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
