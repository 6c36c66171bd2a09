#include "translate/keys.h"

#include "base/num.h"
#include "translate/scalar.h"

/* False sorts before true, and "lost" before "new". */
static bool read_key(const struct column *column, const struct value *value, int64_t *key) {
  int32_t day;
  switch (column->type) {
  case COLUMN_INT:
    return scalar_read(ENDPOINT_INT, value, key);
  case COLUMN_BOOLEAN:
    return scalar_read(ENDPOINT_BOOLEAN, value, key);
  case COLUMN_STRING:
    *key = view_is(value->text, "new");
    return true;
  case COLUMN_DATE:
    if (column->index != SCHEMA_date)
      return scalar_read(ENDPOINT_TIME, value, key);
    *key = num_date(value->text, &day) ? day : 0;
    return true;
  }
  return false;
}

bool keys_of(const struct columns *order, const struct row *row, int64_t *keys,
             struct fault *fault) {
  for (size_t i = 0; i < order->count; i++) {
    const struct columns_item *item = &order->items[i];
    if (!read_key(item->column, &row->values[item->column->index], &keys[i]))
      return fault_set(fault, FAULT_UNTRANSLATABLE,
                       "a row has no value in '%.*s' by which it could be sorted: order by another "
                       "column",
                       VIEW_ARGS(item->column->name));
    if (item->descending)
      keys[i] = -keys[i];
  }
  return true;
}
