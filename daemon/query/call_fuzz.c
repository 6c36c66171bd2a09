/* Fuzz target: a call of v3 (path behind "/v3/", "?", query string). */
#include "query/call.h"
#include "query/limits.h"
#include "query/query.h"
#include "query/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same_as(const struct query *query, struct query *again) {
  struct digest before, after;
  CHECK(digest_equal(query_key(again), query_key(query)));
  CHECK(view_equal(query_normal(again), query_normal(query)));
  CHECK(view_equal(query_target_text(again), query_target_text(query)));
  CHECK(query_limit(again) == query_limit(query));
  CHECK(query_condition_count(again) == query_condition_count(query));
  CHECK(query_subject(query, &before) == query_subject(again, &after));
  CHECK(digest_equal(&before, &after));
  query_release(&again);
}

/* The normalized text is a call of the same key. */
static void check_normal(const struct query *query) {
  struct query *again;
  struct fault fault;
  CHECK(view_starts(query_normal(query), VIEW(CALL_PREFIX)));
  CHECK(query_parse_normal(query_normal(query), &again, &fault));
  check_same_as(query, again);
}

static void put(struct text *args, struct view name, struct view value) {
  form_encode(args, name);
  text_add_char(args, '=');
  for (size_t i = 0; i < value.length; i++)
    text_printf(args, "%%%02x", (unsigned char)value.at[i]);
  text_add_char(args, '&');
}

/* Adds the defaults of parameters that the call does not have. */
static void put_defaults(struct text *args, const struct query *query) {
  const struct endpoint *endpoint = query_call(query)->endpoint;
  struct view rest = endpoint ? endpoint->defaults : VIEW(""), value, name;
  while (view_split(&rest, '&', &value)) {
    view_split(&value, '=', &name);
    bool has_it = false;
    for (size_t i = 0; i < query_form(query)->count; i++)
      has_it = has_it || view_equal(query_form(query)->pairs[i].name, name);
    if (!has_it && query_form(query)->count < QUERY_PARAMETERS_MAX / 2 && value.at)
      put(args, name, value);
  }
}

/* Nor do the order of parameters, their encoding and defaults change the key. */
static void check_rewritten(const struct query *query) {
  scope_text struct text args = {0};
  struct query *again;
  struct fault fault;
  put_defaults(&args, query);
  for (size_t i = query_form(query)->count; i-- > 0;)
    put(&args, query_form(query)->pairs[i].name, query_form(query)->pairs[i].value);
  CHECK(query_parse_call(query_call(query)->path, text_view(&args), VIEW(""), &again, &fault));
  check_same_as(query, again);
}

static void check_call(const struct query *query) {
  const struct call *call = query_call(query);
  CHECK(query_table(query) == QUERY_CALL && call->path.length > 0);
  CHECK(call->limit == -1 || (call->limit > 0 && call->limit <= QUERY_LIMIT_MAX));
  CHECK(!call->where || call->has_where);
  for (size_t i = 1; i < call->parameters.count; i++)
    CHECK(view_order(call->parameters.pairs[i - 1].name, call->parameters.pairs[i].name) < 0);
  CHECK(!form_get(&call->parameters, "token"));
  struct question question = question_of(query, NULL);
  CHECK(question.kind == (call->is_subscription ? QUESTION_SUBSCRIPTION : QUESTION_CALL));
  struct question_body body = {.bytes = VIEW(""), .type = VIEW(""), .method = VIEW("PUT")};
  question = question_of(query, &body);
  CHECK(question.kind == QUESTION_CALL_OTHER);
  CHECK(question.parameter_count == query_form(query)->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Encoding makes three bytes of one; the result must stay within the limit. */
  if (size > 65536)
    return 0;
  struct view args = {size ? (const char *)data : "", size}, path;
  view_split(&args, '?', &path);
  struct query *query = NULL;
  struct fault fault = {.kind = FAULT_NONE};
  if (query_parse_call(path, args.at ? args : VIEW(""), VIEW("key"), &query, &fault)) {
    check_call(query);
    check_normal(query);
    check_rewritten(query);
  } else {
    CHECK(!query && fault.kind != FAULT_NONE && fault.kind != FAULT_INTERNAL && fault.text[0]);
  }
  query_release(&query);
  return 0;
}
