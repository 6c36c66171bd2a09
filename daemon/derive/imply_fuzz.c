/* Fuzz target: if one condition is said to imply another, no value satisfies the first and not the
 * second, under any reading of upstream that the tests have. */
#include "derive/imply.h"

#include "base/check.h"
#include "readings.h"
#include "values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READINGS 64

static void check_value(const struct condition *narrow, const struct condition *wide,
                        struct value value) {
  for (uint64_t i = 0; i < READINGS; i++) {
    struct reading reading = reading_of(i * UINT64_C(0x9e3779b97f4a7c15) >> 16);
    CHECK(!reading_holds(&reading, narrow, &value) || reading_holds(&reading, wide, &value));
  }
}

/* The values of the conditions themselves are those where a wrong edge shows. */
static void check_implied(const struct condition *narrow, const struct condition *wide,
                          struct view rest) {
  enum value_kind kind = narrow->column->type == COLUMN_INT ? VALUE_NUMBER : VALUE_STRING;
  check_value(narrow, wide, (struct value){kind, narrow->value, narrow->value});
  check_value(narrow, wide, (struct value){kind, wide->value, wide->value});
  check_value(narrow, wide, value_of(VIEW("null")));
  for (struct view line; view_split(&rest, '\n', &line);)
    if (narrow->column->type != COLUMN_INT || !view_starts(line, VIEW("'")))
      check_value(narrow, wide, value_of(line));
}

static void check_pairs(const struct conditions *set, struct view rest) {
  for (size_t i = 0; i < set->count; i++)
    for (size_t j = 0; j < set->count; j++)
      if (i != j && imply_condition(&set->items[i], &set->items[j]))
        check_implied(&set->items[i], &set->items[j], rest);
}

/* A condition set, and lines of values (unit/fixture/values.h). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view rest = {size ? (const char *)data : "", size}, text;
  struct conditions set = {0};
  view_split(&rest, '\n', &text);
  CHECK(condition_parse(text, &set, NULL));
  if (set.count < 16)
    check_pairs(&set, rest);
  condition_release(&set);
  return 0;
}
