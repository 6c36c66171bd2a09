#include "derive/imply.h"

#include "base/num.h"
#include "derive/judge.h"
#include "derive/letters.h"
#include "derive/site.h"
#include "derive/text.h"
#include "derive/whole.h"

bool imply_same(const struct condition *a, const struct condition *b) {
  return view_equal(a->text, b->text);
}

/* --- the table: comparisons with points of one line --- */

/* What must hold between two points x and y, so that "op x" implies "op y". The line is that of
 * whole numbers or of days; text has it where every collation agrees. A null or another odd value
 * stands somewhere on it, or satisfies neither.
 *
 * On the line of days a point is a whole day, and readings differ about the end that a bound means:
 * there only what is strictly apart is (READINGS.md, "Days and times"). */
enum need {
  NEVER,
  SAME,       /* x = y */
  LESS,       /* x < y */
  GREATER,    /* x > y */
  APART,      /* x <> y */
  LESS_OR,    /* x <= y on the line of numbers, else x < y */
  GREATER_OR, /* x >= y on the line of numbers, else x > y */
  NOT_LESS,   /* x >= y on every line */
  NOT_MORE,   /* x <= y on every line */
};

/* By the operators of `narrow` and `wide`. */
static const enum need needs[CONDITION_GE + 1][CONDITION_GE + 1] = {
    [CONDITION_EQ] = {[CONDITION_EQ] = SAME,
                      [CONDITION_NE] = APART,
                      [CONDITION_LT] = LESS,
                      [CONDITION_LE] = LESS_OR,
                      [CONDITION_GT] = GREATER,
                      [CONDITION_GE] = GREATER_OR},
    [CONDITION_NE] = {[CONDITION_NE] = SAME},
    [CONDITION_LT] =
        {[CONDITION_NE] = LESS_OR, [CONDITION_LT] = NOT_MORE, [CONDITION_LE] = NOT_MORE},
    [CONDITION_LE] = {[CONDITION_NE] = LESS, [CONDITION_LT] = LESS, [CONDITION_LE] = NOT_MORE},
    [CONDITION_GT] =
        {[CONDITION_NE] = GREATER_OR, [CONDITION_GT] = NOT_LESS, [CONDITION_GE] = NOT_LESS},
    [CONDITION_GE] =
        {[CONDITION_NE] = GREATER, [CONDITION_GT] = GREATER, [CONDITION_GE] = NOT_LESS},
};

static bool is_met(enum need need, enum order order, bool has_points) {
  switch (need) {
  case NEVER:
    break;
  case SAME:
    return order == ORDER_EQUAL;
  case LESS:
    return order == ORDER_LESS;
  case GREATER:
    return order == ORDER_GREATER;
  case APART:
    return order == ORDER_LESS || order == ORDER_GREATER;
  case LESS_OR:
    return order == ORDER_LESS || (order == ORDER_EQUAL && has_points);
  case GREATER_OR:
    return order == ORDER_GREATER || (order == ORDER_EQUAL && has_points);
  case NOT_LESS:
    return order == ORDER_GREATER || order == ORDER_EQUAL;
  case NOT_MORE:
    return order == ORDER_LESS || order == ORDER_EQUAL;
  }
  return false;
}

static enum need need_of(const struct condition *narrow, const struct condition *wide) {
  return narrow->op <= CONDITION_GE && wide->op <= CONDITION_GE ? needs[narrow->op][wide->op]
                                                                : NEVER;
}

/* --- by the type of the column --- */

static bool imply_int(const struct condition *narrow, const struct condition *wide) {
  return is_met(need_of(narrow, wide), order_of(whole_order(narrow->value, wide->value)), true);
}

/* Days as documented sort as their texts do. */
static bool imply_day(const struct condition *narrow, const struct condition *wide) {
  return is_met(need_of(narrow, wide), order_of(view_order(narrow->value, wide->value)), false);
}

/* `=true` implies `<>false`. The reverse does not hold for a null. */
static bool imply_boolean(const struct condition *narrow, const struct condition *wide) {
  return narrow->op == CONDITION_EQ && wide->op == CONDITION_NE &&
         !view_equal(narrow->value, wide->value);
}

static bool is_range(enum condition_op op) {
  return op > CONDITION_NE && op <= CONDITION_GE;
}

/* Texts without a folding of their own: "x" is in "axb" whatever is folded. */
static bool imply_substring(struct view narrow, struct view wide) {
  return letters_are_plain(narrow) && letters_are_plain(wide) &&
         text_contains(wide, narrow) == TRUTH_TRUE;
}

static bool imply_text(const struct condition *narrow, const struct condition *wide) {
  struct view inner = narrow->value, outer = wide->value;
  if (narrow->op == CONDITION_EQ && wide->op == CONDITION_NE)
    return text_equals(inner, outer) == TRUTH_FALSE;
  if (narrow->op == CONDITION_SUBSTRING && wide->op == CONDITION_SUBSTRING)
    return imply_substring(inner, outer);
  if (narrow->op == CONDITION_SUBDOMAIN && wide->op == CONDITION_SUBDOMAIN)
    return site_implies(inner, outer);
  return is_range(narrow->op) && is_range(wide->op) &&
         is_met(need_of(narrow, wide), text_order(inner, outer), false);
}

static bool (*const types[])(const struct condition *narrow, const struct condition *wide) = {
    [COLUMN_DATE] = imply_day,
    [COLUMN_STRING] = imply_text,
    [COLUMN_INT] = imply_int,
    [COLUMN_BOOLEAN] = imply_boolean,
};

bool imply_condition(const struct condition *narrow, const struct condition *wide) {
  if (imply_same(narrow, wide))
    return true;
  return narrow->column && narrow->column == wide->column && judge_accepts(narrow) &&
         judge_accepts(wide) && types[narrow->column->type](narrow, wide);
}
