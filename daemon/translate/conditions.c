#include "translate/conditions.h"

#include "base/num.h"
#include "derive/judge.h"
#include "derive/letters.h"
#include "derive/text.h"
#include "query/condition.h"
#include "query/form.h"
#include "translate/links.h"
#include "translate/scalar.h"

/* v2 reached about so far back. */
#define DAYS 60
/* No link was found before; and one day less is still a day that every server can read. */
#define FIRST_DAY 365

/* The condition with this number in `where`, then in `having`; NULL: there are no more. Both filter
 * alike, as this table groups nothing. */
static const struct condition *condition_at(const struct query *query, size_t number) {
  const struct conditions *where = query_where(query), *having = query_having(query);
  if (number < where->count)
    return &where->items[number];
  number -= where->count;
  return number < having->count ? &having->items[number] : NULL;
}

uint32_t conditions_columns(const struct query *query) {
  const struct condition *condition;
  uint32_t columns = 0;
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    columns |= schema_bit(condition->column);
  return columns;
}

static enum mapping_way way_of(const struct condition *condition) {
  return mapping_of(condition->column->index)->way;
}

static bool is_time(const struct condition *condition) {
  return condition->column->type == COLUMN_DATE && way_of(condition) == WAY_SAME;
}

/* A bound that is a time itself: fills it. */
static bool is_moment(const struct condition *condition, int64_t *moment) {
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
  if (is_moment(condition, &moment))
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
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    if (!check_condition(condition, fault))
      return false;
  return true;
}

/* --- the window --- */

unsigned conditions_changes(const struct query *query) {
  const struct condition *condition;
  unsigned changes = CHANGES_BOTH;
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
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
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    narrow(&window, condition);
  window.from = window.from == INT32_MIN ? today - DAYS : later(window.from, FIRST_DAY);
  if (window.from > window.to)
    window.changes = 0;
  return window;
}

/* --- what v3 is asked --- */

static const char *const operators[] = {
    [CONDITION_EQ] = "eq", [CONDITION_LT] = "lt",  [CONDITION_LE] = "lte",
    [CONDITION_GT] = "gt", [CONDITION_GE] = "gte",
};

/* One comparison; `value` is JSON. */
static void put_is(struct text *out, struct view name, const char *op, struct view value) {
  text_printf(out, "{\"field\":\"%.*s\",\"is\":[\"%s\",%.*s]}", VIEW_ARGS(name), op,
              VIEW_ARGS(value));
}

static struct view source_of(const struct condition *condition) {
  return mapping_name(mapping_of(condition->column->index)->from[CHANGE_NEW]);
}

static void filter_nothing(const struct condition *condition, struct text *out) {
  (void)condition, (void)out;
}

static void filter_number(const struct condition *condition, struct text *out) {
  if (condition->op == CONDITION_NE)
    return;
  text_add_char(out, ',');
  put_is(out, source_of(condition), operators[condition->op], condition->value);
}

static void filter_boolean(const struct condition *condition, struct text *out) {
  bool wanted = view_is(condition->value, "true") == (condition->op == CONDITION_EQ);
  text_add_char(out, ',');
  put_is(out, source_of(condition), "eq", wanted ? VIEW("true") : VIEW("false"));
}

static void put_time(struct text *out, const struct condition *condition, const char *op,
                     int64_t time) {
  scope_text struct text value = {0};
  scalar_write(ENDPOINT_TIME, time, op[0] == 'l', &value);
  text_add_char(out, ',');
  put_is(out, source_of(condition), op, text_view(&value));
}

/* With all of the day: whether v2 takes in its times is not documented, so they must show. */
static void filter_time(const struct condition *condition, struct text *out) {
  int32_t day;
  int64_t moment;
  bool is_lower = condition->op == CONDITION_GE || condition->op == CONDITION_GT;
  if (condition->op == CONDITION_NE)
    return;
  if (is_moment(condition, &moment))
    put_time(out, condition, operators[condition->op], moment);
  else if (num_date(condition->value, &day))
    put_time(out, condition, is_lower ? "gte" : "lt", (is_lower ? day : day + 1) * SCALAR_DAY);
}

/* --- text: what may be equal to it, or hold it, holds it in some case --- */

/* The text that is certainly in whatever satisfies the condition, apart from case; empty: none. */
static struct view certain_part(const struct condition *condition) {
  bool asks_for_it = condition->op == CONDITION_EQ || condition->op >= CONDITION_SUBSTRING;
  struct view value = view_trim(condition->value);
  return asks_for_it && letters_are_plain(value) ? value : VIEW("");
}

static void put_isubstring(struct text *out, struct view name, struct view value) {
  scope_text struct text quoted = {0};
  /* judge_accepts() has refused quotes, backslashes and controls. */
  text_printf(&quoted, "\"%.*s\"", VIEW_ARGS(value));
  put_is(out, name, "isubstring", text_view(&quoted));
}

static void filter_text(const struct condition *condition, struct text *out) {
  struct view value = certain_part(condition);
  if (!value.length)
    return;
  text_add_char(out, ',');
  put_isubstring(out, source_of(condition), value);
}

static void filter_same(const struct condition *condition, struct text *out) {
  static void (*const filters[])(const struct condition *condition, struct text *out) = {
      [COLUMN_DATE] = filter_time,
      [COLUMN_STRING] = filter_text,
      [COLUMN_INT] = filter_number,
      [COLUMN_BOOLEAN] = filter_boolean,
  };
  filters[condition->column->type](condition, out);
}

static void put_link_type(struct text *out, struct view value) {
  struct view name = mapping_name(SOURCE_link_type);
  text_add(out, VIEW("{\"or\":["));
  put_isubstring(out, name, value);
  text_add_char(out, ',');
  put_is(out, name, "eq", VIEW("\"text\""));
  text_add_char(out, ',');
  put_is(out, name, "eq", VIEW("\"image\""));
  text_add(out, VIEW("]}"));
}

/* v2's "href" is "text" or "image" in v3. */
static void filter_link_type(const struct condition *condition, struct text *out) {
  struct view value = certain_part(condition);
  if (!value.length)
    return;
  if (text_contains(value, VIEW("href")) == TRUTH_FALSE) {
    filter_text(condition, out);
    return;
  }
  text_add_char(out, ',');
  put_link_type(out, value);
}

/* --- ratings: N in v2 is from N-0.5 up to, without it, N+0.5 in v3 --- */

static void put_rating(const struct condition *condition, const char *op, int64_t half,
                       struct text *out) {
  int64_t whole;
  CHECK(num_integer(condition->value, &whole));
  scope_text struct text value = {0};
  scalar_write(ENDPOINT_FLOAT, whole * SCALAR_ONE + half * SCALAR_ONE / 2, false, &value);
  text_add_char(out, ',');
  put_is(out, source_of(condition), op, text_view(&value));
}

static void filter_rating(const struct condition *condition, struct text *out) {
  enum condition_op op = condition->op;
  if (op == CONDITION_GE || op == CONDITION_GT || op == CONDITION_EQ)
    put_rating(condition, "gte", op == CONDITION_GT ? 1 : -1, out);
  if (op == CONDITION_LE || op == CONDITION_LT || op == CONDITION_EQ)
    put_rating(condition, "lt", op == CONDITION_LT ? -1 : 1, out);
}

/* --- null in v3 is a value in v2 --- */

static bool holds_for_zero(const struct condition *condition) {
  struct row row = {.values[SCHEMA_redirect] = {VALUE_NUMBER, VIEW("0"), VIEW("0")}};
  return judge_row(condition, &row) != TRUTH_FALSE;
}

static void filter_or_zero(const struct condition *condition, struct text *out) {
  struct view name = source_of(condition);
  if (condition->op == CONDITION_NE)
    return;
  text_add_char(out, ',');
  if (!holds_for_zero(condition)) {
    put_is(out, name, operators[condition->op], condition->value);
    return;
  }
  text_printf(out, "{\"or\":[{\"field\":\"%.*s\",\"is\":\"is_null\"},", VIEW_ARGS(name));
  put_is(out, name, operators[condition->op], condition->value);
  text_add(out, VIEW("]}"));
}

/* What is not "pagefound" is anything else, null among it, and not asked for. */
static void filter_pagefound(const struct condition *condition, struct text *out) {
  if (view_is(condition->value, "true") != (condition->op == CONDITION_EQ))
    return;
  text_add_char(out, ',');
  put_is(out, source_of(condition), "eq", VIEW("\"pagefound\""));
}

/* The window asks for `date` and `type`. */
static void (*const ways[])(const struct condition *condition, struct text *out) = {
    [WAY_SAME] = filter_same,           [WAY_ROUNDED] = filter_rating,
    [WAY_OR_ZERO] = filter_or_zero,     [WAY_OR_EMPTY] = filter_text,
    [WAY_PAGEFOUND] = filter_pagefound, [WAY_LINK_TYPE] = filter_link_type,
    [WAY_DAY] = filter_nothing,         [WAY_TYPE] = filter_nothing,
    [WAY_NEVER] = filter_nothing,
};

void conditions_filter(const struct query *query, struct text *out) {
  const struct condition *condition;
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    ways[way_of(condition)](condition, out);
}

/* --- doubts --- */

static bool is_day_for_time(const struct condition *condition) {
  int64_t moment;
  return is_time(condition) && !is_moment(condition, &moment);
}

bool conditions_are_doubtful(const struct query *query) {
  const struct condition *condition;
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    if (is_day_for_time(condition) ||
        (condition->column->type == COLUMN_STRING && condition->column->index != SCHEMA_type))
      return true;
  return false;
}

const struct condition *conditions_bound(const struct query *query) {
  const struct condition *condition;
  for (size_t i = 0; (condition = condition_at(query, i)); i++)
    if (is_day_for_time(condition) && is_range(condition))
      return condition;
  return NULL;
}

/* --- the last word --- */

static enum truth judge_moment(enum condition_op op, int64_t time, int64_t moment) {
  const bool verdicts[] = {
      [CONDITION_EQ] = time == moment,
      [CONDITION_NE] = time != moment,
      [CONDITION_LT] = time<moment, [CONDITION_LE] = time <= moment, [CONDITION_GT] = time> moment,
      [CONDITION_GE] = time >= moment,
  };
  return truth_of(verdicts[op]);
}

static enum truth judge(const struct condition *condition, const struct row *row) {
  int64_t moment, time;
  const struct value *value = &row->values[condition->column->index];
  if (!is_moment(condition, &moment))
    return judge_row(condition, row);
  if (!scalar_read(ENDPOINT_TIME, value, &time))
    return TRUTH_UNKNOWN;
  return judge_moment(condition->op, time, moment);
}

enum truth conditions_judge(const struct query *query, const struct row *row,
                            const struct condition **open) {
  const struct condition *condition;
  enum truth all = TRUTH_TRUE;
  for (size_t i = 0; (condition = condition_at(query, i)); i++) {
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
