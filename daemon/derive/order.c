#include "derive/order.h"

#include "derive/day.h"
#include "derive/text.h"
#include "derive/whole.h"

static bool is_same(const struct value *a, const struct value *b) {
  return a->kind == b->kind && view_equal(a->text, b->text) && a->kind != VALUE_ABSENT &&
         a->kind != VALUE_NESTED;
}

static bool is_boolean(enum value_kind kind) {
  return kind == VALUE_FALSE || kind == VALUE_TRUE;
}

/* Nulls may come first or last, and a value of another type than its column's may be anything. */
static enum order order_values(enum column_type type, const struct value *a,
                               const struct value *b) {
  bool are_texts = a->kind == VALUE_STRING && b->kind == VALUE_STRING;
  bool are_numbers = a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER;
  if (is_same(a, b))
    return ORDER_EQUAL;
  if (type == COLUMN_INT && are_numbers && whole_is(a->text) && whole_is(b->text))
    return order_of(whole_order(a->text, b->text));
  if (type == COLUMN_STRING && are_texts)
    return text_order(a->text, b->text);
  if (type == COLUMN_DATE && are_texts)
    return day_order(a->text, b->text);
  if (type == COLUMN_BOOLEAN && is_boolean(a->kind) && is_boolean(b->kind))
    return order_of((int)a->kind - (int)b->kind);
  return ORDER_UNKNOWN;
}

enum order order_keys(const struct columns *by, const struct value *a, const struct value *b) {
  enum order order = ORDER_EQUAL;
  for (size_t i = 0; order == ORDER_EQUAL && i < by->count; i++) {
    order = order_values(by->items[i].column->type, &a[i], &b[i]);
    if (by->items[i].descending)
      order = order_turned(order);
  }
  return order;
}

static int numbers_by_bytes(struct view a, struct view b) {
  bool left = whole_is(a), right = whole_is(b);
  if (left != right)
    return left ? -1 : 1;
  return left ? whole_order(a, b) : view_order(a, b);
}

static int values_by_bytes(const struct value *a, const struct value *b) {
  if (a->kind != b->kind)
    return (int)a->kind - (int)b->kind;
  return a->kind == VALUE_NUMBER ? numbers_by_bytes(a->text, b->text)
                                 : view_order(a->text, b->text);
}

int order_by_bytes(const struct columns *by, const struct value *a, const struct value *b) {
  int order = 0;
  for (size_t i = 0; order == 0 && i < by->count; i++) {
    order = values_by_bytes(&a[i], &b[i]);
    if (by->items[i].descending)
      order = -order;
  }
  return order;
}
