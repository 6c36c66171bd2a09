#include "derive/ties.h"

#include "base/text.h"
#include "derive/day.h"
#include "derive/decimal.h"
#include "derive/text.h"
#include "derive/whole.h"

#include <stdlib.h>

struct ties {
  const struct endpoint_column *column; /* the first of `order_by`; NULL: none is known */
  bool has_last;
  enum value_kind kind; /* of the last row's key */
  struct text key;
  struct digest shown;
};

/* Which direction an order has does not matter here, nor whether it is given. */
struct ties *ties_create(const struct columns *by, const struct endpoint *endpoint) {
  struct ties *ties = calloc(1, sizeof *ties);
  if (ties && by->parsed && by->count)
    ties->column = endpoint_column(endpoint, by->items[0].name);
  return ties;
}

void ties_release(struct ties **address) {
  struct ties *ties = *address;
  *address = NULL;
  if (!ties)
    return;
  text_free(&ties->key);
  free(ties);
}

static bool is_boolean(enum value_kind kind) {
  return kind == VALUE_FALSE || kind == VALUE_TRUE;
}

static bool days_differ(struct view a, struct view b) {
  return day_read(a).form == DAY_ALONE && day_read(b).form == DAY_ALONE && !view_equal(a, b);
}

/* Times of one form, as v3 shows them; a fraction may be cut off elsewhere. */
static bool times_differ(struct view a, struct view b) {
  return day_read(a).form == DAY_UTC && day_read(b).form == DAY_UTC && a.length == b.length &&
         !view_equal(a, b);
}

static bool is_known(enum order order) {
  return order == ORDER_LESS || order == ORDER_GREATER;
}

static bool numbers_differ(enum endpoint_type type, struct view a, struct view b) {
  if (type == ENDPOINT_INT)
    return whole_is(a) && whole_is(b) && whole_order(a, b) != 0;
  return is_known(decimal_order(a, b));
}

static bool texts_differ(enum endpoint_type type, struct view a, struct view b) {
  switch (type) {
  case ENDPOINT_TIME:
    return times_differ(a, b);
  case ENDPOINT_DATE:
    return days_differ(a, b);
  case ENDPOINT_STRING:
    return is_known(text_order(a, b));
  default:
    return false;
  }
}

/* Under every reading. Where nulls stand among values is not known. */
static bool differ(const struct ties *ties, const struct value *value) {
  enum endpoint_type type = ties->column->type;
  struct view last = text_view(&ties->key);
  if (ties->kind == VALUE_NUMBER && value->kind == VALUE_NUMBER)
    return (type == ENDPOINT_INT || type == ENDPOINT_FLOAT) &&
           numbers_differ(type, last, value->text);
  if (ties->kind == VALUE_STRING && value->kind == VALUE_STRING)
    return texts_differ(type, last, value->text);
  return type == ENDPOINT_BOOLEAN && is_boolean(ties->kind) && is_boolean(value->kind) &&
         ties->kind != value->kind;
}

enum tie ties_find(const struct ties *ties, const struct row *row, const struct digest *shown) {
  if (!ties->has_last || (ties->column && differ(ties, row_value(row, ties->column->name))))
    return TIE_NONE;
  return digest_equal(shown, &ties->shown) ? TIE_SAME : TIE_OPEN;
}

bool ties_keep(struct ties *ties, const struct row *row, const struct digest *shown) {
  const struct value *value =
      ties->column ? row_value(row, ties->column->name) : &(const struct value){0};
  ties->has_last = true;
  ties->kind = value->kind;
  ties->shown = *shown;
  text_clear(&ties->key);
  text_add(&ties->key, value->text);
  return text_ok(&ties->key);
}
