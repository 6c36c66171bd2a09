#include "query/question.h"

#include "query/call.h"
#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "query/query.h"

static enum question_kind kind_of_call(const struct call *call, bool has_body) {
  if (has_body)
    return QUESTION_CALL_OTHER;
  return call->is_subscription ? QUESTION_SUBSCRIPTION : QUESTION_CALL;
}

enum question_kind question_kind_of(const struct query *query, bool has_body) {
  if (query_call(query))
    return kind_of_call(query_call(query), has_body);
  if (has_body)
    return QUESTION_UNKNOWN;
  switch (query_table(query)) {
  case QUERY_SUBSCRIPTION_INFO:
    return QUESTION_SUBSCRIPTION;
  case QUERY_OTHER:
    return QUESTION_OTHER;
  case QUERY_CALL:
  case QUERY_BACKLINKS_NEW_LOST:
    break;
  }
  return query_output(query) == QUERY_OUTPUT_UNKNOWN ? QUESTION_OPAQUE : QUESTION_RESULTS;
}

static struct view value_or_empty(const struct query *query, const char *name) {
  const struct view *value = form_get(query_form(query), name);
  return value ? *value : VIEW("");
}

static const struct conditions *if_present(const struct conditions *conditions) {
  return conditions->present ? conditions : NULL;
}

static void set_terms(const struct query *query, struct question *question) {
  const struct columns *select = query_select(query), *order = query_order(query);
  question->mode = value_or_empty(query, "mode");
  question->select = columns_are_all(select) ? NULL : select;
  question->where = if_present(query_where(query));
  question->having = if_present(query_having(query));
  question->order = order->present ? order : NULL;
  question->offset = query_offset(query);
  question->form = query_output(query);
  if (question->form == QUERY_OUTPUT_UNKNOWN)
    question->output = value_or_empty(query, "output");
  question->parameter_count = query_rest(query, question->parameters);
}

static void set_parameters(const struct form *form, struct question *question) {
  for (size_t i = 0; i < form->count; i++)
    if (!view_is(form->pairs[i].name, "token"))
      question->parameters[question->parameter_count++] = &form->pairs[i];
}

struct question question_of(const struct query *query, const struct question_body *body) {
  const struct call *call = query_call(query);
  struct question question = {.kind = question_kind_of(query, body != NULL),
                              .query = query,
                              .table = call ? call->path : value_or_empty(query, "from"),
                              .call = call,
                              .target = query_target_text(query),
                              .host = query_target_host(query),
                              .limit = query_limit(query)};
  if (question.kind == QUESTION_RESULTS || question.kind == QUESTION_OPAQUE)
    set_terms(query, &question);
  else
    set_parameters(question.kind == QUESTION_CALL ? &call->parameters : query_form(query),
                   &question);
  if (body) {
    question.body = body->bytes;
    question.body_type = body->type;
    question.method = call ? body->method : VIEW("");
  }
  return question;
}

struct question question_of_subscription(void) {
  return (struct question){.kind = QUESTION_SUBSCRIPTION, .table = VIEW(""), .target = VIEW("")};
}
