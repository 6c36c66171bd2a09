/* Fuzz target: a filter of v3 on a row. What is certain holds under every reading of upstream that
 * the tests have. */
#include "derive/filter_judge.h"

#include "filter_readings.h"
#include "values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READINGS 64

/* Lines "column=value" (unit/fixture/values.h); a name twice, or unknown, is left out. */
static void read_row(struct view rest, const struct endpoint *endpoint, struct row *row) {
  struct view value, name;
  row->count = 0;
  while (row->count < ROW_MEMBERS_MOST && view_split(&rest, '\n', &value))
    if (view_split(&value, '=', &name) && value.at && endpoint_column(endpoint, name) &&
        row_value(row, name)->kind == VALUE_ABSENT)
      row->members[row->count++] = (struct row_member){.name = name, .value = value_of(value)};
}

static void check_readings(const struct filter *filter, const struct endpoint *endpoint,
                           const struct row *row, uint64_t salt) {
  enum truth truth = filter_judge_row(filter, endpoint, row);
  for (uint64_t i = 0; truth != TRUTH_UNKNOWN && i < READINGS; i++) {
    struct filter_reading reading =
        filter_reading_of((salt + i) * UINT64_C(0x9e3779b97f4a7c15) >> 8);
    CHECK(filter_reading_holds(&reading, filter, endpoint, row) == (truth == TRUTH_TRUE));
  }
}

/* A filter, a line feed, and a row. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct row row;
  const struct endpoint *endpoint = endpoint_find(VIEW("site-explorer/all-backlinks"));
  struct view rest = {size ? (const char *)data : "", size}, text;
  struct filter *filter;
  view_split(&rest, '\n', &text);
  CHECK(filter_parse(text, &filter, NULL));
  read_row(rest.at ? rest : VIEW(""), endpoint, &row);
  if (filter && filter_judge_accepts(filter, endpoint))
    check_readings(filter, endpoint, &row, size);
  filter_release(&filter);
  return 0;
}
