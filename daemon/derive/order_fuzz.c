/* Fuzz target: the order of two values, against every reading of upstream that the tests have. */
#include "derive/order.h"

#include "base/check.h"
#include "readings.h"
#include "values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READINGS 64

static int sign(int order) {
  return (order > 0) - (order < 0);
}

static enum order mirrored(const struct columns *by, const struct value *a, const struct value *b) {
  return order_turned(order_keys(by, b, a));
}

static void check(const struct columns *by, const struct value *a, const struct value *b) {
  enum order order = order_keys(by, a, b);
  int expected = order == ORDER_LESS ? -1 : order == ORDER_GREATER;
  CHECK(order == mirrored(by, a, b));
  CHECK(sign(order_by_bytes(by, a, b)) == -sign(order_by_bytes(by, b, a)));
  if (order == ORDER_UNKNOWN)
    return;
  CHECK(sign(order_by_bytes(by, a, b)) == expected);
  for (uint64_t i = 0; i < READINGS; i++) {
    struct reading reading = reading_of(i * UINT64_C(0x9e3779b97f4a7c15) >> 16);
    CHECK(sign(reading_order(&reading, by->items[0].column->type, a, b)) == expected);
  }
}

/* A column, and two values (unit/fixture/values.h), a line each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view rest = {size ? (const char *)data : "", size}, name, first, second;
  bool whole = view_split(&rest, '\n', &name) && view_split(&rest, '\n', &first) &&
               view_split(&rest, '\n', &second);
  struct columns_item item = {.name = name, .column = schema_find(name)};
  struct columns by = {.present = true, .parsed = true, .items = &item, .count = 1};
  if (!whole || !item.column)
    return 0;
  struct value a = value_of(first), b = value_of(second);
  check(&by, &a, &b);
  return 0;
}
