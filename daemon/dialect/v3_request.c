#include "dialect/v3_request.h"

#include "base/text.h"
#include "dialect/v3_price.h"
#include "query/call.h"

#include <inttypes.h>
#include <stdio.h>

static void put(struct text *url, char *mark, struct view name, struct view value) {
  text_add_char(url, *mark);
  form_encode(url, name);
  text_add_char(url, '=');
  form_encode(url, value);
  *mark = '&';
}

static void put_limit(struct text *url, char *mark, int64_t limit) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, limit);
  put(url, mark, VIEW("limit"), view_of(digits));
}

/* In the order of the normalized call, which upstream's own cache may depend on. The limit is always
 * sent if the price of a row is known: whatever upstream's default, no more can come than was
 * reserved. */
static void put_parameters(struct text *url, const struct question *question, int64_t limit) {
  char mark = '?';
  bool is_due = limit >= 0;
  for (size_t i = 0; i < question->parameter_count; i++) {
    const struct form_pair *pair = question->parameters[i];
    bool is_limit = view_is(pair->name, "limit");
    bool is_behind = view_order(pair->name, VIEW("limit")) >= 0;
    if (is_due && is_behind)
      put_limit(url, &mark, limit);
    is_due = is_due && !is_behind;
    if (limit < 0 || !is_limit)
      put(url, &mark, pair->name, pair->value);
  }
  if (is_due)
    put_limit(url, &mark, limit);
}

static void write_url(const struct question *question, const struct settings *settings,
                      struct text *url) {
  struct view base = view_of(settings->upstream_url);
  bool has_price = question->kind == QUESTION_CALL && question->call->endpoint;
  int64_t limit = has_price ? v3_limit(settings, question->call) : -1;
  text_add(url, base);
  if (base.length && base.at[base.length - 1] != '/')
    text_add_char(url, '/');
  if (question->call) {
    text_add(url, question->call->path);
    put_parameters(url, question, limit);
  } else {
    text_add(url, VIEW(CALL_SUBSCRIPTION));
  }
}

static bool write_key(struct view token, struct dialect_request *request) {
  scope_text struct text value = {0};
  if (!token.length)
    return true;
  text_add(&value, VIEW("Bearer "));
  text_add(&value, token);
  request->authorization = text_steal(&value);
  return request->authorization != NULL;
}

static bool write_body(const struct question *question, struct dialect_request *request) {
  if (question->kind != QUESTION_CALL_OTHER)
    return true;
  request->method = dialect_copy(question->method);
  return request->method && dialect_request_set_body(request, question->body, question->body_type);
}

bool v3_write(const struct question *question, const struct settings *settings, struct view token,
              struct dialect_request *request, struct fault *fault) {
  scope_text struct text url = {0};
  *request = (struct dialect_request){0};
  if (!question->call && question->kind != QUESTION_SUBSCRIPTION)
    return fault_set(fault, FAULT_INTERNAL, "v3 has no such request");
  write_url(question, settings, &url);
  request->url = text_steal(&url);
  return (request->url && write_key(token, request) && write_body(question, request)) ||
         fault_no_memory(fault);
}
