/* Fuzz target: a condition on a value. What is certain holds under every reading of upstream that
 * the tests have. */
#include "derive/judge.h"

#include "readings.h"
#include "values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READINGS 64

static void check_readings(const struct condition *condition, const struct row *row,
                           uint64_t salt) {
  enum truth truth = judge_row(condition, row);
  for (uint64_t i = 0; truth != TRUTH_UNKNOWN && i < READINGS; i++) {
    struct reading reading = reading_of((salt + i) * UINT64_C(0x9e3779b97f4a7c15) >> 16);
    const struct value *value = &row->values[condition->column->index];
    CHECK(reading_holds(&reading, condition, value) == (truth == TRUTH_TRUE));
  }
}

/* A condition, a line feed, and a value (unit/fixture/values.h), which reads itself again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view rest = {size ? (const char *)data : "", size}, text;
  struct conditions set = {0};
  view_split(&rest, '\n', &text);
  CHECK(condition_parse(text, &set, NULL));
  static struct row row;
  for (size_t i = 0; rest.at && i < set.count; i++)
    if (set.items[i].column) {
      row.values[set.items[i].column->index] = value_of(rest);
      check_readings(&set.items[i], &row, size);
    }
  condition_release(&set);
  return 0;
}
