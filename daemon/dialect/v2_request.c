#include "dialect/v2_request.h"

#include "base/text.h"
#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"

#include <inttypes.h>
#include <stdio.h>

static void put(struct text *args, struct view name, struct view value) {
  if (args->length)
    text_add_char(args, '&');
  form_encode(args, name);
  text_add_char(args, '=');
  form_encode(args, value);
}

static void put_number(struct text *args, const char *name, int64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, number);
  put(args, view_of(name), view_of(digits));
}

/* Adds a parameter whose value is a list. A failure of `value` becomes one of `args`. */
static void put_list(struct text *args, const char *name, const struct text *value) {
  put(args, view_of(name), text_view(value));
  args->failed = args->failed || !text_ok(value);
}

static void add_element(struct text *value, struct view element) {
  if (value->length)
    text_add_char(value, ',');
  text_add(value, element);
}

/* --- backlinks_new_lost: exactly the question that the key identifies --- */

static bool is_among(struct view elements, struct view name) {
  struct view element;
  while (view_split(&elements, ',', &element))
    if (view_equal(view_trim(element), name))
      return true;
  return false;
}

/* Columns are in the client's order, each once. As far as is known, their order decides only the
 * order of an object's members, which has no meaning in JSON (RFC 8259 4), but a client may rely on
 * it. */
static void put_select(struct text *args, const struct columns *select) {
  scope_text struct text value = {0};
  if (!select)
    return;
  struct view rest = select->raw, element;
  if (!select->parsed)
    text_add(&value, select->raw);
  while (select->parsed && view_split(&rest, ',', &element))
    if (!is_among(view_first(select->raw, (size_t)(element.at - select->raw.at)),
                  view_trim(element)))
      add_element(&value, view_trim(element));
  put_list(args, "select", &value);
}

static void put_conditions(struct text *args, const char *name, const struct conditions *set) {
  scope_text struct text value = {0};
  if (!set)
    return;
  if (!set->parsed)
    text_add(&value, set->raw);
  for (size_t i = 0; i < set->count; i++)
    add_element(&value, set->items[i].text);
  put_list(args, name, &value);
}

static void put_order(struct text *args, const struct columns *order) {
  scope_text struct text value = {0};
  if (!order)
    return;
  if (!order->parsed)
    text_add(&value, order->raw);
  for (size_t i = 0; i < order->count; i++)
    add_element(&value, columns_order_text(&order->items[i]));
  put_list(args, "order_by", &value);
}

static void put_parameters(struct text *args, const struct question *question) {
  for (size_t i = 0; i < question->parameter_count; i++)
    put(args, question->parameters[i]->name, question->parameters[i]->value);
}

/* The limit is always sent: whatever upstream's default, no more can come than was reserved. An
 * offset of 0 is not sent, as an older price list charges for it. */
static void write_results(const struct question *question, struct text *args) {
  put(args, VIEW("from"), question->table);
  put(args, VIEW("mode"), question->mode);
  put(args, VIEW("target"), question->target);
  put_select(args, question->select);
  put_conditions(args, "where", question->where);
  put_conditions(args, "having", question->having);
  put_order(args, question->order);
  put_number(args, "limit", question->limit);
  if (question->offset)
    put_number(args, "offset", question->offset);
  put_parameters(args, question);
  if (question->form == QUERY_OUTPUT_UNKNOWN)
    put(args, VIEW("output"), question->output);
  else if (question->form != QUERY_JSON)
    put(args, VIEW("output"), output_word(question->form));
}

/* --- the other kinds --- */

static void write_other(const struct question *question, struct text *args) {
  bool states_limit = question->states_limit && question->limit >= 0;
  for (size_t i = 0; i < question->parameter_count; i++) {
    const struct form_pair *pair = question->parameters[i];
    if (!states_limit || !view_is(pair->name, "limit"))
      put(args, pair->name, pair->value);
  }
  if (states_limit)
    put_number(args, "limit", question->limit);
}

static void write_subscription(const struct question *question, struct text *args) {
  if (question->parameter_count == 0)
    put(args, VIEW("from"), VIEW("subscription_info"));
  put_parameters(args, question);
}

static void write_args(const struct question *question, struct view token, struct text *args) {
  switch (question->kind) {
  case QUESTION_RESULTS:
  case QUESTION_OPAQUE:
    write_results(question, args);
    break;
  case QUESTION_OTHER:
    write_other(question, args);
    break;
  case QUESTION_SUBSCRIPTION:
    write_subscription(question, args);
    break;
  case QUESTION_UNKNOWN:
  case QUESTION_CALL: /* v2 has no calls */
  case QUESTION_CALL_OTHER:
    put_parameters(args, question);
    break;
  }
  if (token.length)
    put(args, VIEW("token"), token);
}

static void write_url(struct view base, struct view args, struct text *url) {
  text_add(url, base);
  const char *authority = memmem(base.at, base.length, "://", 3);
  size_t from = authority ? (size_t)(authority - base.at) + 3 : 0;
  if (!memchr(base.at + from, '/', base.length - from))
    text_add_char(url, '/');
  text_add_char(url, '?');
  text_add(url, args);
}

static bool write_body(const struct question *question, struct dialect_request *request) {
  return question->kind != QUESTION_UNKNOWN ||
         dialect_request_set_body(request, question->body, question->body_type);
}

bool v2_write(const struct question *question, const struct settings *settings, struct view token,
              struct dialect_request *request, struct fault *fault) {
  scope_text struct text args = {0};
  scope_text struct text url = {0};
  *request = (struct dialect_request){0};
  write_args(question, token, &args);
  write_url(view_of(settings->upstream_url), text_view(&args), &url);
  request->url = text_ok(&args) ? text_steal(&url) : NULL;
  return (request->url && write_body(question, request)) || fault_no_memory(fault);
}
