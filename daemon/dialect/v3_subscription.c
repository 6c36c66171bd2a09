#include "dialect/v3_subscription.h"

#include "base/scope.h"
#include "base/visible.h"
#include "query/plans.h"

#include <stdlib.h>
#include <yajl/yajl_tree.h>

/* --- the limits --- */

enum told { TOLD, NOT_TOLD, NO_NUMBER };

/* Parses the number's text, so that nothing is rounded. */
static enum told read_units(yajl_val info, const char *member, struct amount *units) {
  yajl_val value = yajl_tree_get(info, (const char *[]){member, NULL}, yajl_t_any);
  if (!value || YAJL_IS_NULL(value))
    return NOT_TOLD;
  bool ok = YAJL_IS_NUMBER(value) &&
            amount_parse_signed(view_of(YAJL_GET_NUMBER(value)), CURRENCY_UNITS, units);
  return ok ? TOLD : NO_NUMBER;
}

static void hold_limit(struct dialect_subscription *subscription, struct amount limit,
                       struct amount usage) {
  struct amount left = amount_subtract(limit, usage);
  if (subscription->has_left && amount_order(left, subscription->left) >= 0)
    return;
  subscription->has_left = true;
  subscription->left = left;
  subscription->limit = limit;
}

static bool read_limits(yajl_val info, struct dialect_subscription *subscription) {
  static const struct {
    const char *limit, *usage;
  } limits[] = {{"units_limit_workspace", "units_usage_workspace"},
                {"units_limit_api_key", "units_usage_api_key"}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct amount limit, usage;
    enum told has_limit = read_units(info, limits[i].limit, &limit);
    enum told has_usage = read_units(info, limits[i].usage, &usage);
    if (has_limit == NO_NUMBER || has_usage == NO_NUMBER)
      return false;
    if (has_limit == TOLD && has_usage == TOLD)
      hold_limit(subscription, limit, usage);
  }
  return true;
}

/* The usage of the key, not of the workspace: others spend from that. */
static void read_used(yajl_val info, struct dialect_subscription *subscription) {
  subscription->has_used = read_units(info, "units_usage_api_key", &subscription->used) == TOLD;
}

/* --- the plan --- */

static void show(struct view name, char out[DIALECT_PLAN_SIZE]) {
  char one[VISIBLE_SIZE];
  size_t length = 0;
  while (name.length) {
    name = view_from(name, visible_take(name, one));
    size_t more = strlen(one);
    if (length + more >= DIALECT_PLAN_SIZE)
      break;
    memcpy(out + length, one, more);
    length += more;
  }
  out[length] = '\0';
}

static void read_plan(yajl_val info, struct dialect_subscription *subscription) {
  yajl_val value = yajl_tree_get(info, (const char *[]){"subscription", NULL}, yajl_t_string);
  struct view name = view_of(value ? YAJL_GET_STRING(value) : "");
  subscription->cap = plans_cap(name);
  show(name, subscription->plan);
}

bool v3_read_subscription(struct view body, struct dialect_subscription *subscription,
                          struct fault *fault) {
  static const char *const path[] = {"limits_and_usage", NULL};
  scope_free char *text = strndup(body.at, body.length);
  if (!text)
    return fault_no_memory(fault);
  *subscription = (struct dialect_subscription){.left = amount_zero(CURRENCY_UNITS),
                                                .limit = amount_zero(CURRENCY_UNITS),
                                                .used = amount_zero(CURRENCY_UNITS)};
  yajl_val tree = yajl_tree_parse(text, NULL, 0);
  yajl_val info = yajl_tree_get(tree, (const char **)path, yajl_t_object);
  bool ok = info && read_limits(info, subscription);
  if (ok) {
    read_used(info, subscription);
    read_plan(info, subscription);
  }
  yajl_tree_free(tree);
  return ok || fault_set(fault, FAULT_UPSTREAM,
                         "upstream's answer does not tell the limits and the usage");
}

enum dialect_token v3_judge_token(const struct answer_head *head,
                                  const struct answer_verdict *verdict) {
  if (head->status == 200 && verdict->outcome == ANSWER_COMPLETE && verdict->read)
    return DIALECT_TOKEN_ACCEPTED;
  if (verdict->outcome == ANSWER_REFUSED && verdict->fault.kind == FAULT_BAD_TOKEN)
    return DIALECT_TOKEN_REFUSED;
  return DIALECT_TOKEN_UNJUDGED;
}
