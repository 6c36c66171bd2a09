#include "dialect/v2_subscription.h"

#include "base/scope.h"

#include <stdlib.h>
#include <yajl/yajl_tree.h>

/* Parses the number's text, so that nothing is rounded. An overdrawn subscription may be below
 * zero. */
static bool read_rows(yajl_val tree, const char *member, struct amount *rows) {
  yajl_val value = yajl_tree_get(tree, (const char *[]){"info", member, NULL}, yajl_t_number);
  return value && amount_parse_signed(view_of(YAJL_GET_NUMBER(value)), CURRENCY_ROWS, rows);
}

bool v2_read_subscription(struct view body, struct dialect_subscription *subscription,
                          struct fault *fault) {
  scope_free char *text = strndup(body.at, body.length);
  if (!text)
    return fault_no_memory(fault);
  *subscription = (struct dialect_subscription){.has_left = true};
  yajl_val tree = yajl_tree_parse(text, NULL, 0);
  bool ok = read_rows(tree, "rows_left", &subscription->left) &&
            read_rows(tree, "rows_limit", &subscription->limit);
  yajl_tree_free(tree);
  return ok || fault_set(fault, FAULT_UPSTREAM,
                         "upstream's answer does not tell rows_left and rows_limit");
}

enum dialect_token v2_judge_token(const struct answer_head *head,
                                  const struct answer_verdict *verdict) {
  if (head->status == 200 && verdict->outcome == ANSWER_COMPLETE && verdict->read)
    return DIALECT_TOKEN_ACCEPTED;
  if (head->status == 200 && verdict->outcome == ANSWER_REFUSED)
    return DIALECT_TOKEN_REFUSED;
  return DIALECT_TOKEN_UNJUDGED;
}
