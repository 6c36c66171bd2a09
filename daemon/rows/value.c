#include "rows/value.h"

static const struct value absent = {.kind = VALUE_ABSENT};

const struct value *row_value(const struct row *row, struct view name) {
  for (size_t i = 0; i < row->count; i++)
    if (view_equal(row->members[i].name, name))
      return &row->members[i].value;
  return &absent;
}
