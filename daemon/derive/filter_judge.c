#include "derive/filter_judge.h"

#include "base/num.h"
#include "derive/day.h"
#include "derive/decimal.h"
#include "derive/text.h"
#include "derive/whole.h"

/* Whole numbers below 10^9 fit in every type that upstream may read them into. */
#define DIGITS_MOST 9

/* The day before which a null day may have been a zero (1970-01-01, 0001-01-01, in any zone). */
#define ZERO_DAY_MOST 366

/* --- what a filter may say of a row: a set --- */

enum { SAYS_TRUE = 1, SAYS_FALSE = 2, SAYS_OPEN = 4, SAYS_ANYTHING = 7 };
typedef unsigned says;

static says says_of(enum truth truth) {
  static const says sets[] = {[TRUTH_FALSE] = SAYS_FALSE,
                              [TRUTH_UNKNOWN] = SAYS_TRUE | SAYS_FALSE,
                              [TRUTH_TRUE] = SAYS_TRUE};
  return sets[truth];
}

static says says_not(says one) {
  says turned = one & SAYS_OPEN;
  if (one & SAYS_TRUE)
    turned |= SAYS_FALSE;
  if (one & SAYS_FALSE)
    turned |= SAYS_TRUE;
  return turned;
}

/* False if one of them is; else open if one of them is. */
static says says_both(says a, says b) {
  says both = (a | b) & SAYS_FALSE;
  both |= a & b & SAYS_TRUE;
  if ((a & SAYS_OPEN && b & (SAYS_OPEN | SAYS_TRUE)) || (b & SAYS_OPEN && a & SAYS_TRUE))
    both |= SAYS_OPEN;
  return both;
}

static says says_either(says a, says b) {
  return says_not(says_both(says_not(a), says_not(b)));
}

/* --- comparisons --- */

static bool is_equality(enum filter_op op) {
  return op == FILTER_EQ || op == FILTER_NEQ;
}

static bool is_comparison(enum filter_op op) {
  return op <= FILTER_LTE;
}

/* Against a value that is certainly LESS, EQUAL or GREATER. */
static enum truth judge_order(enum filter_op op, enum order order) {
  if (order == ORDER_UNKNOWN)
    return TRUTH_UNKNOWN;
  switch (op) {
  case FILTER_EQ:
    return truth_of(order == ORDER_EQUAL);
  case FILTER_NEQ:
    return truth_of(order != ORDER_EQUAL);
  case FILTER_GT:
    return truth_of(order == ORDER_GREATER);
  case FILTER_GTE:
    return truth_of(order != ORDER_LESS);
  case FILTER_LT:
    return truth_of(order == ORDER_LESS);
  case FILTER_LTE:
    return truth_of(order != ORDER_GREATER);
  default:
    return TRUTH_UNKNOWN;
  }
}

/* --- by the type of the column: what is accepted, what a value says, and what a null may be --- */

static bool accepts_int(const struct filter *one) {
  return one->value.kind == FILTER_NUMBER && is_comparison(one->op) && whole_is(one->value.text) &&
         one->value.text.at[0] != '-' && one->value.text.length <= DIGITS_MOST;
}

static enum truth judge_int(const struct filter *one, const struct value *value) {
  if (value->kind != VALUE_NUMBER || !whole_is(value->text))
    return TRUTH_UNKNOWN;
  return judge_order(one->op, order_of(whole_order(value->text, one->value.text)));
}

static bool is_zero(const struct filter *one) {
  return view_is(one->value.text, "0");
}

static bool accepts_float(const struct filter *one) {
  return one->value.kind == FILTER_NUMBER && is_comparison(one->op) && decimal_is(one->value.text);
}

static enum truth judge_float(const struct filter *one, const struct value *value) {
  if (value->kind != VALUE_NUMBER)
    return TRUTH_UNKNOWN;
  return judge_order(one->op, decimal_order(value->text, one->value.text));
}

static bool is_zero_float(const struct filter *one) {
  return decimal_order(one->value.text, VIEW("0")) == ORDER_EQUAL;
}

/* Booleans are `true` and `false`, and 1 and 0 likewise. */
static bool is_true(const struct filter *one) {
  return one->value.kind == FILTER_TRUE || view_is(one->value.text, "1");
}

static bool accepts_boolean(const struct filter *one) {
  bool is_number = one->value.kind == FILTER_NUMBER;
  bool is_bit = is_number && (view_is(one->value.text, "0") || view_is(one->value.text, "1"));
  return is_equality(one->op) &&
         (is_bit || one->value.kind == FILTER_TRUE || one->value.kind == FILTER_FALSE);
}

static enum truth judge_boolean(const struct filter *one, const struct value *value) {
  if (value->kind != VALUE_TRUE && value->kind != VALUE_FALSE)
    return TRUTH_UNKNOWN;
  bool is_equal = is_true(one) == (value->kind == VALUE_TRUE);
  return truth_of(is_equal == (one->op == FILTER_EQ));
}

static bool is_false(const struct filter *one) {
  return !is_true(one);
}

static bool accepts_day(const struct filter *one) {
  int32_t day;
  return one->value.kind == FILTER_STRING && is_comparison(one->op) &&
         num_date(one->value.text, &day);
}

static enum truth judge_day(const struct filter *one, const struct value *value) {
  int32_t bound;
  if (value->kind != VALUE_STRING || !num_date(one->value.text, &bound))
    return TRUTH_UNKNOWN;
  struct day day = day_read(value->text);
  return day.form == DAY_ALONE ? judge_order(one->op, day_against(day, bound)) : TRUTH_UNKNOWN;
}

static bool may_be_zero_day(const struct filter *one) {
  return day_read(one->value.text).day <= ZERO_DAY_MOST;
}

/* As v3 shows it: 2026-04-08T00:05:47Z. */
static bool is_time(struct view text) {
  return text.length == sizeof "2026-04-08T00:05:47Z" - 1 && day_read(text).form == DAY_UTC;
}

static bool accepts_time(const struct filter *one) {
  bool is_full =
      one->value.kind == FILTER_STRING && is_comparison(one->op) && is_time(one->value.text);
  return is_full || accepts_day(one);
}

static enum truth judge_time(const struct filter *one, const struct value *value) {
  int32_t bound;
  if (value->kind != VALUE_STRING)
    return TRUTH_UNKNOWN;
  if (num_date(one->value.text, &bound))
    return judge_order(one->op, day_against_anywhere(day_read(value->text), bound));
  if (!is_time(value->text))
    return TRUTH_UNKNOWN;
  return judge_order(one->op, order_of(view_order(value->text, one->value.text)));
}

/* Neither blank nor with blanks at its ends, which upstream may take off. */
static bool is_tight(struct view text) {
  return text.length > 0 && view_trim(text).length == text.length;
}

static bool accepts_text(const struct filter *one) {
  if (one->value.kind != FILTER_STRING || !text_is_certain(one->value.text))
    return false;
  switch (one->op) {
  case FILTER_EQ:
  case FILTER_NEQ:
    return true;
  case FILTER_SUBSTRING:
  case FILTER_ISUBSTRING:
  case FILTER_PHRASE_MATCH:
  case FILTER_IPHRASE_MATCH:
  case FILTER_PREFIX:
  case FILTER_SUFFIX:
    return is_tight(one->value.text);
  default:
    return false; /* ranges of text may be refused, and RE2 is a language of its own */
  }
}

static enum truth judge_text(const struct filter *one, const struct value *value) {
  struct view wanted = one->value.text, text = value->text;
  if (value->kind != VALUE_STRING)
    return TRUTH_UNKNOWN;
  switch (one->op) {
  case FILTER_EQ:
    return text_equals(wanted, text);
  case FILTER_NEQ:
    return truth_not(text_equals(wanted, text));
  case FILTER_SUBSTRING:
    return text_contains(wanted, text);
  case FILTER_ISUBSTRING:
    return text_contains_any_case(wanted, text);
  case FILTER_PHRASE_MATCH:
    return text_has_phrase(wanted, text, false);
  case FILTER_IPHRASE_MATCH:
    return text_has_phrase(wanted, text, true);
  case FILTER_PREFIX:
    return text_begins(wanted, text);
  case FILTER_SUFFIX:
    return text_ends(wanted, text);
  default:
    return TRUTH_UNKNOWN;
  }
}

/* An empty text, or the word "null". */
static bool may_be_null_text(const struct filter *one) {
  return text_equals(one->value.text, VIEW("")) != TRUTH_FALSE ||
         text_contains(one->value.text, VIEW("null")) != TRUTH_FALSE;
}

static bool accepts_nothing(const struct filter *one) {
  (void)one;
  return false;
}

static enum truth judge_nothing(const struct filter *one, const struct value *value) {
  (void)one, (void)value;
  return TRUTH_UNKNOWN;
}

static const struct type {
  bool (*accepts)(const struct filter *one);
  enum truth (*judge)(const struct filter *one, const struct value *value);
  bool (*may_be_null)(const struct filter *one); /* a null may stand for this value */
  bool may_be_empty;                             /* `"is":"empty"` is accepted */
} types[] = {
    [ENDPOINT_INT] = {accepts_int, judge_int, is_zero, false},
    [ENDPOINT_FLOAT] = {accepts_float, judge_float, is_zero_float, false},
    [ENDPOINT_BOOLEAN] = {accepts_boolean, judge_boolean, is_false, false},
    [ENDPOINT_TIME] = {accepts_time, judge_time, may_be_zero_day, false},
    [ENDPOINT_DATE] = {accepts_day, judge_day, may_be_zero_day, false},
    [ENDPOINT_STRING] = {accepts_text, judge_text, may_be_null_text, true},
    [ENDPOINT_ARRAY] = {accepts_nothing, judge_nothing, accepts_nothing, true},
};

/* --- conditions --- */

/* Null equals and contains nothing, or it stands for something else than the value; or the
 * comparison is open. In `neq` and in ranges its readings differ further. */
static says judge_null(const struct filter *one, const struct type *type) {
  bool asks_for_value = one->op == FILTER_EQ || !is_comparison(one->op);
  return asks_for_value && !type->may_be_null(one) ? SAYS_FALSE | SAYS_OPEN : SAYS_ANYTHING;
}

static says judge_is(const struct filter *one, const struct type *type, const struct value *value) {
  return value->kind == VALUE_NULL ? judge_null(one, type) : says_of(type->judge(one, value));
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* `raw` is the text of an array. */
static bool is_empty_array(struct view raw) {
  size_t at = 1;
  while (is_white(raw.at[at]))
    at++;
  return raw.at[at] == ']';
}

/* Blanks alone may be empty, if upstream takes them off. */
static says judge_empty(const struct value *value) {
  bool is_array = value->kind == VALUE_NESTED && view_starts(value->raw, VIEW("["));
  if (is_array)
    return is_empty_array(value->raw) ? SAYS_TRUE : SAYS_FALSE;
  if (value->kind != VALUE_STRING)
    return SAYS_ANYTHING;
  if (!value->text.length)
    return SAYS_TRUE;
  return text_equals(VIEW(""), value->text) == TRUTH_FALSE ? SAYS_FALSE : SAYS_ANYTHING;
}

static says judge_one(const struct filter *one, const struct endpoint *endpoint,
                      const struct row *row) {
  const struct endpoint_column *column = endpoint_column(endpoint, one->field);
  const struct value *value = row_value(row, one->field);
  if (!column || value->kind == VALUE_ABSENT)
    return SAYS_ANYTHING;
  switch (one->kind) {
  case FILTER_IS:
    return judge_is(one, &types[column->type], value);
  case FILTER_IS_NULL:
    return value->kind == VALUE_NULL ? SAYS_TRUE : SAYS_FALSE;
  case FILTER_IS_EMPTY:
    return judge_empty(value);
  default:
    return SAYS_ANYTHING;
  }
}

static bool accepts_one(const struct filter *one, const struct endpoint *endpoint) {
  const struct endpoint_column *column = endpoint_column(endpoint, one->field);
  if (!column)
    return false;
  switch (one->kind) {
  case FILTER_IS:
    return types[column->type].accepts(one);
  case FILTER_IS_NULL:
    return column->nullable;
  case FILTER_IS_EMPTY:
    return types[column->type].may_be_empty;
  default:
    return false; /* which conditions a list takes is not known */
  }
}

/* --- filters --- */

static says judge(const struct filter *filter, const struct endpoint *endpoint,
                  const struct row *row);

static says judge_all(const struct filter *filter, const struct endpoint *endpoint,
                      const struct row *row) {
  says all = SAYS_TRUE;
  for (size_t i = 0; all != SAYS_FALSE && i < filter->count; i++)
    all = says_both(all, judge(filter->parts[i], endpoint, row));
  return all;
}

static says judge_any(const struct filter *filter, const struct endpoint *endpoint,
                      const struct row *row) {
  says any = SAYS_FALSE;
  for (size_t i = 0; any != SAYS_TRUE && i < filter->count; i++)
    any = says_either(any, judge(filter->parts[i], endpoint, row));
  return any;
}

static says judge(const struct filter *filter, const struct endpoint *endpoint,
                  const struct row *row) {
  switch (filter->kind) {
  case FILTER_AND:
    return judge_all(filter, endpoint, row);
  case FILTER_OR:
    return judge_any(filter, endpoint, row);
  case FILTER_NOT:
    return says_not(judge(filter->parts[0], endpoint, row));
  default:
    return judge_one(filter, endpoint, row);
  }
}

enum truth filter_judge_row(const struct filter *filter, const struct endpoint *endpoint,
                            const struct row *row) {
  says whole = judge(filter, endpoint, row);
  if (!(whole & SAYS_TRUE))
    return TRUTH_FALSE;
  return whole == SAYS_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

/* An empty list of parts is not documented. */
bool filter_judge_accepts(const struct filter *filter, const struct endpoint *endpoint) {
  if (filter->kind != FILTER_AND && filter->kind != FILTER_OR && filter->kind != FILTER_NOT)
    return accepts_one(filter, endpoint);
  for (size_t i = 0; i < filter->count; i++)
    if (!filter_judge_accepts(filter->parts[i], endpoint))
      return false;
  return filter->count > 0;
}
