#include "derive/judge.h"

#include "base/num.h"
#include "derive/day.h"
#include "derive/site.h"
#include "derive/text.h"
#include "derive/whole.h"

/* Whole numbers below 10^9 fit in every type that upstream may read them into. */
#define DIGITS_MOST 9

/* The day before which a null day may have been a zero (1970-01-01, 0001-01-01, in any zone). */
#define ZERO_DAY_MOST 366

/* --- comparisons --- */

/* Against a value that is certainly LESS, EQUAL or GREATER. */
static enum truth judge_order(enum condition_op op, enum order order) {
  if (order == ORDER_UNKNOWN)
    return TRUTH_UNKNOWN;
  switch (op) {
  case CONDITION_EQ:
    return truth_of(order == ORDER_EQUAL);
  case CONDITION_NE:
    return truth_of(order != ORDER_EQUAL);
  case CONDITION_LT:
    return truth_of(order == ORDER_LESS);
  case CONDITION_LE:
    return truth_of(order != ORDER_GREATER);
  case CONDITION_GT:
    return truth_of(order == ORDER_GREATER);
  case CONDITION_GE:
    return truth_of(order != ORDER_LESS);
  case CONDITION_SUBSTRING:
  case CONDITION_WORD:
  case CONDITION_SUBDOMAIN:
    break;
  }
  return TRUTH_UNKNOWN;
}

static bool is_equality(enum condition_op op) {
  return op == CONDITION_EQ || op == CONDITION_NE;
}

/* --- by the type of the column: what is accepted, and what a value of a row says --- */

/* A sign may be refused, or wrap around, in a type without signs. */
static bool accepts_int(const struct condition *condition) {
  return condition->kind == CONDITION_NUMBER && condition->value.length <= DIGITS_MOST &&
         condition->value.at[0] != '-';
}

static enum truth judge_int(const struct condition *condition, const struct value *value) {
  if (value->kind != VALUE_NUMBER || !whole_is(value->text))
    return TRUTH_UNKNOWN;
  return judge_order(condition->op, order_of(whole_order(value->text, condition->value)));
}

static bool accepts_boolean(const struct condition *condition) {
  return condition->kind == CONDITION_BOOLEAN && is_equality(condition->op);
}

static enum truth judge_boolean(const struct condition *condition, const struct value *value) {
  if (value->kind != VALUE_TRUE && value->kind != VALUE_FALSE)
    return TRUTH_UNKNOWN;
  bool is_equal = view_is(condition->value, "true") == (value->kind == VALUE_TRUE);
  return truth_of(is_equal == (condition->op == CONDITION_EQ));
}

static bool accepts_day(const struct condition *condition) {
  int32_t day;
  return condition->kind == CONDITION_STRING && condition->op < CONDITION_SUBSTRING &&
         num_date(condition->value, &day);
}

static enum truth judge_day(const struct condition *condition, const struct value *value) {
  int32_t bound;
  if (value->kind != VALUE_STRING || !num_date(condition->value, &bound))
    return TRUTH_UNKNOWN;
  return judge_order(condition->op, day_against(day_read(value->text), bound));
}

static bool is_url(const struct column *column) {
  return column->index == SCHEMA_url_from || column->index == SCHEMA_url_to;
}

static bool accepts_text(const struct condition *condition) {
  if (condition->kind != CONDITION_STRING || !text_is_certain(condition->value))
    return false;
  switch (condition->op) {
  case CONDITION_SUBSTRING:
    return view_trim(condition->value).length > 0;
  case CONDITION_WORD:
    return text_is_word(condition->value);
  case CONDITION_SUBDOMAIN:
    return is_url(condition->column) && site_is_domain(condition->value);
  default:
    return true;
  }
}

static enum truth judge_text(const struct condition *condition, const struct value *value) {
  if (value->kind != VALUE_STRING)
    return TRUTH_UNKNOWN;
  switch (condition->op) {
  case CONDITION_EQ:
    return text_equals(condition->value, value->text);
  case CONDITION_NE:
    return truth_not(text_equals(condition->value, value->text));
  case CONDITION_SUBSTRING:
    return text_contains(condition->value, value->text);
  case CONDITION_WORD:
    return text_has_word(condition->value, value->text);
  case CONDITION_SUBDOMAIN:
    return site_is_below(condition->value, value->text);
  default:
    return judge_order(condition->op, text_order(value->text, condition->value));
  }
}

static const struct type {
  bool (*accepts)(const struct condition *condition);
  enum truth (*judge)(const struct condition *condition, const struct value *value);
} types[] = {
    [COLUMN_DATE] = {accepts_day, judge_day},
    [COLUMN_STRING] = {accepts_text, judge_text},
    [COLUMN_INT] = {accepts_int, judge_int},
    [COLUMN_BOOLEAN] = {accepts_boolean, judge_boolean},
};

bool judge_accepts(const struct condition *condition) {
  return condition->column && types[condition->column->type].accepts(condition);
}

/* --- null --- */

/* True if a null may stand for this value: for an empty one, for a zero, or for the word "null". */
static bool may_be_null(const struct condition *condition) {
  int32_t day;
  switch (condition->column->type) {
  case COLUMN_DATE:
    return !num_date(condition->value, &day) || day <= ZERO_DAY_MOST;
  case COLUMN_INT:
    return view_is(condition->value, "0");
  case COLUMN_BOOLEAN:
    return view_is(condition->value, "false");
  case COLUMN_STRING:
    break;
  }
  return text_equals(condition->value, VIEW("")) != TRUTH_FALSE ||
         text_contains(condition->value, VIEW("null")) != TRUTH_FALSE;
}

/* Null equals and contains nothing, or it stands for something else than the value. In `<>` and in
 * ranges its readings differ: SQL's unknown, the least value, the greatest. */
static enum truth judge_null(const struct condition *condition) {
  bool asks_for_value = condition->op == CONDITION_EQ || condition->op >= CONDITION_SUBSTRING;
  return truth_unless(!asks_for_value || may_be_null(condition));
}

enum truth judge_row(const struct condition *condition, const struct row *row) {
  if (!judge_accepts(condition))
    return TRUTH_UNKNOWN;
  const struct value *value = &row->values[condition->column->index];
  return value->kind == VALUE_NULL ? judge_null(condition)
                                   : types[condition->column->type].judge(condition, value);
}
