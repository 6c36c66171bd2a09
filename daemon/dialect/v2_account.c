/* The account of a token, as subscription_info tells it. */
#include "dialect/v2.h"

#include "base/scope.h"

#include <stdlib.h>
#include <yajl/yajl_tree.h>

/* A number as it was written, so that none is rounded. One that was overdrawn may be below zero. */
static bool read_rows(yajl_val tree, const char *member, struct rows *rows) {
  yajl_val value = yajl_tree_get(tree, (const char *[]){"info", member, NULL}, yajl_t_number);
  return value && rows_parse_signed(view_of(YAJL_GET_NUMBER(value)), rows);
}

bool v2_read_account(struct view body, struct v2_account *account, struct fault *fault) {
  scope_free char *text = strndup(body.at, body.length);
  if (!text)
    return fault_no_memory(fault);
  yajl_val tree = yajl_tree_parse(text, NULL, 0);
  bool ok = read_rows(tree, "rows_left", &account->left) &&
            read_rows(tree, "rows_limit", &account->limit);
  yajl_tree_free(tree);
  return ok || fault_set(fault, FAULT_UPSTREAM,
                         "upstream's answer does not tell rows_left and rows_limit");
}

bool v2_accepts_token(const struct answer_head *head, const struct answer_verdict *verdict) {
  return head->status == 200 && verdict->outcome == ANSWER_COMPLETE && verdict->read;
}

bool v2_refuses_token(const struct answer_head *head, const struct answer_verdict *verdict) {
  return head->status == 200 && verdict->outcome == ANSWER_REFUSED;
}
