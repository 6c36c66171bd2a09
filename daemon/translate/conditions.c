#include "translate/conditions.h"

#include "base/num.h"
#include "derive/judge.h"
#include "derive/rules.h"
#include "query/condition.h"
#include "query/form.h"
#include "translate/links.h"
#include "translate/scalar.h"

/* No link was found before; and one day less is still a day that every server can read. */
#define FIRST_DAY 365

const struct condition *conditions_at(const struct query *query, size_t number) {
  const struct conditions *where = query_where(query), *having = query_having(query);
  if (number < where->count)
    return &where->items[number];
  number -= where->count;
  return number < having->count ? &having->items[number] : NULL;
}

uint32_t conditions_columns(const struct query *query) {
  const struct condition *condition;
  uint32_t columns = 0;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    columns |= schema_bit(condition->column);
  return columns;
}

static enum mapping_way way_of(const struct condition *condition) {
  return mapping_of(condition->column->index)->way;
}

static bool is_time(const struct condition *condition) {
  return condition->column->type == COLUMN_DATE && way_of(condition) == WAY_SAME;
}

bool conditions_moment(const struct condition *condition, int64_t *moment) {
  const struct value value = {.kind = VALUE_STRING, .text = condition->value};
  return is_time(condition) && condition->kind == CONDITION_STRING &&
         condition->op < CONDITION_SUBSTRING && scalar_read(ENDPOINT_TIME, &value, moment);
}

static bool is_range(const struct condition *condition) {
  return condition->op >= CONDITION_LT && condition->op <= CONDITION_GE;
}

/* --- which conditions can be asked --- */

static bool refuse(struct fault *fault, const struct condition *condition, const char *why) {
  return fault_set(fault, FAULT_UNTRANSLATABLE,
                   "Ahrefs API v3 cannot be asked for the condition %s: %s",
                   FORM_SHOWN(condition->text), why);
}

static enum truth judge_type(const struct condition *condition, enum change change) {
  struct row row = {.values[SCHEMA_type] = links_type(change)};
  return judge_row(condition, &row);
}

static bool is_decided(const struct condition *condition) {
  return judge_type(condition, CHANGE_NEW) != TRUTH_UNKNOWN &&
         judge_type(condition, CHANGE_LOST) != TRUTH_UNKNOWN;
}

static bool check_condition(const struct condition *condition, struct fault *fault) {
  int64_t moment;
  if (!condition->column)
    return refuse(fault, condition, "backlinks_new_lost has no such column");
  if (!mapping_of(condition->column->index)->is_exact)
    return refuse(fault, condition, "v3 does not have this column");
  if (conditions_moment(condition, &moment))
    return true;
  if (!judge_accepts(condition))
    return refuse(fault, condition, "its meaning in v2 is not documented");
  if (is_time(condition) && condition->op == CONDITION_EQ)
    return refuse(fault, condition,
                  "whether v2 took a time for equal to its day is not documented");
  if (condition->column->index == SCHEMA_type)
    return is_decided(condition) || refuse(fault, condition, "write \"new\" or \"lost\"");
  if (condition->column->type == COLUMN_STRING && is_range(condition))
    return refuse(fault, condition, "how v2 sorted text is not documented");
  return true;
}

/* A parameter without a condition has no meaning. */
static bool check_set(const struct conditions *set, const char *name, struct fault *fault) {
  if (!set->present || set->parsed || view_trim(set->raw).length == 0)
    return true;
  return fault_set(
      fault, FAULT_UNTRANSLATABLE,
      "Ahrefs API v3 cannot be asked for it: '%s' is \"%s\", which is not written as v2 "
      "documents conditions",
      name, FORM_SHOWN(set->raw));
}

bool conditions_check(const struct query *query, struct fault *fault) {
  const struct condition *condition;
  if (!check_set(query_where(query), "where", fault) ||
      !check_set(query_having(query), "having", fault))
    return false;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    if (!check_condition(condition, fault))
      return false;
  return true;
}

/* --- the window --- */

unsigned conditions_changes(const struct query *query) {
  const struct condition *condition;
  unsigned changes = CHANGES_BOTH;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    for (int change = 0; change < CHANGES; change++)
      if (condition->column->index == SCHEMA_type &&
          judge_type(condition, (enum change)change) == TRUTH_FALSE)
        changes &= ~(1u << change);
  return changes;
}

static int32_t later(int32_t a, int32_t b) {
  return a > b ? a : b;
}

static void narrow(struct window *window, const struct condition *condition) {
  int32_t day;
  enum condition_op op = condition->op;
  if (condition->column->index != SCHEMA_date || !num_date(condition->value, &day))
    return;
  if (op == CONDITION_EQ || op == CONDITION_GE || op == CONDITION_GT)
    window->from = later(window->from, day + (op == CONDITION_GT));
  if (op == CONDITION_EQ || op == CONDITION_LE || op == CONDITION_LT)
    window->to = -later(-window->to, (op == CONDITION_LT) - day);
}

struct window conditions_window(const struct query *query, int32_t today) {
  const struct condition *condition;
  struct window window = {conditions_changes(query), INT32_MIN, NUM_LAST_DAY};
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    narrow(&window, condition);
  window.from =
      window.from == INT32_MIN ? today - RULES_PERIOD_DAYS : later(window.from, FIRST_DAY);
  if (window.from > window.to)
    window.changes = 0;
  return window;
}

/* --- doubts --- */

static bool is_day_for_time(const struct condition *condition) {
  int64_t moment;
  return is_time(condition) && !conditions_moment(condition, &moment);
}

bool conditions_are_doubtful(const struct query *query) {
  const struct condition *condition;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    if (is_day_for_time(condition) ||
        (condition->column->type == COLUMN_STRING && condition->column->index != SCHEMA_type))
      return true;
  return false;
}

const struct condition *conditions_bound(const struct query *query) {
  const struct condition *condition;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    if (is_day_for_time(condition) && is_range(condition))
      return condition;
  return NULL;
}

/* --- the last word --- */

static enum truth judge_moment(enum condition_op op, int order) {
  const bool verdicts[] = {
      [CONDITION_EQ] = order == 0,
      [CONDITION_NE] = order != 0,
      [CONDITION_LT] = order<0, [CONDITION_LE] = order <= 0, [CONDITION_GT] = order> 0,
      [CONDITION_GE] = order >= 0,
  };
  return truth_of(verdicts[op]);
}

static enum truth judge(const struct condition *condition, const struct row *row) {
  int64_t moment, time;
  const struct value *value = &row->values[condition->column->index];
  if (!conditions_moment(condition, &moment))
    return judge_row(condition, row);
  if (!scalar_read(ENDPOINT_TIME, value, &time))
    return TRUTH_UNKNOWN;
  return judge_moment(condition->op, (time > moment) - (time < moment));
}

enum truth conditions_judge(const struct query *query, const struct row *row,
                            const struct condition **open) {
  const struct condition *condition;
  enum truth all = TRUTH_TRUE;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++) {
    enum truth truth = judge(condition, row);
    if (truth == TRUTH_FALSE)
      return TRUTH_FALSE;
    if (truth == TRUTH_UNKNOWN && all == TRUTH_TRUE) {
      *open = condition;
      all = TRUTH_UNKNOWN;
    }
  }
  return all;
}
