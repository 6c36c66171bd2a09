#include "translate/filters.h"

#include "base/num.h"
#include "derive/judge.h"
#include "derive/letters.h"
#include "derive/text.h"
#include "query/condition.h"
#include "translate/compare.h"
#include "translate/conditions.h"
#include "translate/scalar.h"

static const char *const operators[] = {
    [CONDITION_EQ] = "eq", [CONDITION_LT] = "lt",  [CONDITION_LE] = "lte",
    [CONDITION_GT] = "gt", [CONDITION_GE] = "gte",
};

static enum mapping_source source_of(const struct condition *condition) {
  return mapping_of(condition->column->index)->from[CHANGE_NEW];
}

static void filter_nothing(const struct condition *condition, struct text *out) {
  (void)condition, (void)out;
}

static void filter_number(const struct condition *condition, struct text *out) {
  if (condition->op == CONDITION_NE)
    return;
  text_add_char(out, ',');
  compare_write(out, source_of(condition), operators[condition->op], condition->value);
}

static void filter_boolean(const struct condition *condition, struct text *out) {
  bool wanted = view_is(condition->value, "true") == (condition->op == CONDITION_EQ);
  text_add_char(out, ',');
  compare_write(out, source_of(condition), "eq", wanted ? VIEW("true") : VIEW("false"));
}

static void put_time(struct text *out, const struct condition *condition, const char *op,
                     int64_t time) {
  text_add_char(out, ',');
  compare_write_scalar(out, source_of(condition), op, time);
}

/* With all of the day: whether v2 takes in its times is not documented, so they must show. */
static void filter_time(const struct condition *condition, struct text *out) {
  int32_t day;
  int64_t moment;
  bool is_lower = condition->op == CONDITION_GE || condition->op == CONDITION_GT;
  if (condition->op == CONDITION_NE)
    return;
  if (conditions_moment(condition, &moment))
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

static void put_isubstring(struct text *out, enum mapping_source source, struct view value) {
  scope_text struct text quoted = {0};
  /* judge_accepts() has refused quotes, backslashes and controls. */
  text_printf(&quoted, "\"%.*s\"", VIEW_ARGS(value));
  compare_write(out, source, "isubstring", text_view(&quoted));
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
  text_add(out, VIEW("{\"or\":["));
  put_isubstring(out, SOURCE_link_type, value);
  text_add_char(out, ',');
  compare_write(out, SOURCE_link_type, "eq", VIEW("\"text\""));
  text_add_char(out, ',');
  compare_write(out, SOURCE_link_type, "eq", VIEW("\"image\""));
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
  text_add_char(out, ',');
  compare_write_scalar(out, source_of(condition), op, whole * SCALAR_ONE + half * SCALAR_ONE / 2);
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
  enum mapping_source source = source_of(condition);
  if (condition->op == CONDITION_NE)
    return;
  text_add_char(out, ',');
  if (!holds_for_zero(condition)) {
    compare_write(out, source, operators[condition->op], condition->value);
    return;
  }
  text_printf(out, "{\"or\":[{\"field\":\"%.*s\",\"is\":\"is_null\"},",
              VIEW_ARGS(mapping_name(source)));
  compare_write(out, source, operators[condition->op], condition->value);
  text_add(out, VIEW("]}"));
}

/* What is not "pagefound" is anything else, null among it, and not asked for. */
static void filter_pagefound(const struct condition *condition, struct text *out) {
  if (view_is(condition->value, "true") != (condition->op == CONDITION_EQ))
    return;
  text_add_char(out, ',');
  compare_write(out, source_of(condition), "eq", VIEW("\"pagefound\""));
}

/* The window asks for `date` and `type`. */
static void (*const ways[])(const struct condition *condition, struct text *out) = {
    [WAY_SAME] = filter_same,           [WAY_ROUNDED] = filter_rating,
    [WAY_OR_ZERO] = filter_or_zero,     [WAY_OR_EMPTY] = filter_text,
    [WAY_PAGEFOUND] = filter_pagefound, [WAY_LINK_TYPE] = filter_link_type,
    [WAY_DAY] = filter_nothing,         [WAY_TYPE] = filter_nothing,
    [WAY_NEVER] = filter_nothing,
};

void filters_write(const struct query *query, struct text *out) {
  const struct condition *condition;
  for (size_t i = 0; (condition = conditions_at(query, i)); i++)
    ways[mapping_of(condition->column->index)->way](condition, out);
}
