/* /api/explain: a query that is not sent. */
#include "serve/explain.h"

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

static void write_or_null(struct json *json, const char *name, const struct text *text) {
  if (text->length)
    json_text(json, name, text_view(text));
  else
    json_null(json, name);
}

/* --- stored results --- */

static void write_stored(struct json *json, const struct serve_stored *stored) {
  json_text(json, "key", view_of(stored->key));
  json_text(json, "normal", text_view(&stored->normal));
  age_write(json, stored->age, stored->freshness);
}

static void write_source(struct json *json, const struct serve_explanation *explanation) {
  if (!explanation->computes) {
    json_null(json, "source");
    return;
  }
  json_map(json, "source");
  write_stored(json, &explanation->source);
  json_map_end(json);
}

static void write_candidates(struct json *json, const struct serve_explanation *explanation) {
  json_list(json, "candidates");
  for (size_t i = 0; i < explanation->candidate_count; i++) {
    const struct serve_candidate *candidate = &explanation->candidates[i];
    json_map(json, NULL);
    write_stored(json, &candidate->stored);
    json_text(json, "reason", view_of(candidate->reason));
    json_text(json, "why", view_of(candidate->text));
    json_map_end(json);
  }
  json_list_end(json);
}

/* --- upstream --- */

static void write_whole(struct json *json, const struct serve_explanation *explanation) {
  if (!explanation->whole.length) {
    json_null(json, "whole");
    return;
  }
  json_map(json, "whole");
  json_text(json, "normal", text_view(&explanation->whole));
  json_amount(json, "least", explanation->whole_least);
  json_amount(json, "most", explanation->whole_most);
  json_map_end(json);
}

static void write_explanation(struct json *json, const struct serve_explanation *explanation) {
  json_map(json, NULL);
  json_text(json, "normal", text_view(&explanation->normal));
  json_text(json, "key", view_of(explanation->key));
  json_text(json, "outcome", view_of(explanation->outcome));
  json_text(json, "token", view_of(explanation->token));
  write_answer(json, &explanation->fault);
  json_bool(json, "stored", explanation->stored);
  json_bool(json, "derived", explanation->is_derived);
  age_write(json, explanation->stored ? explanation->age : AGE_UNKNOWN, explanation->freshness);
  write_source(json, explanation);
  write_candidates(json, explanation);
  write_or_null(json, "asked", &explanation->asked);
  write_whole(json, explanation);
  json_text(json, "currency", view_of(currency_words[explanation->most.currency]));
  json_amount(json, "least", explanation->least);
  json_amount(json, "most", explanation->most);
  json_bool(json, "estimated", explanation->estimated);
  json_map_end(json);
}

bool route_explain(struct route_call *call, struct text *body, struct fault *fault) {
  struct serve_explanation explanation;
  struct json json;
  bool ok = serve_explain(call->rooms->serve, call->args, &explanation, fault);
  if (ok) {
    json_begin(&json, body);
    write_explanation(&json, &explanation);
    ok = json_end(&json, fault);
  }
  serve_explanation_release(&explanation);
  return ok;
}
