#include "query/schema.h"

static const struct column columns[SCHEMA_COLUMNS] = {
#define COLUMN(name, type) {VIEW(#name), COLUMN_##type, SCHEMA_##name},
#include "tables/columns.def"
#undef COLUMN
};

_Static_assert(SCHEMA_COLUMNS <= 32, "schema_bit() has 32 bits");

const struct column *schema_find(struct view name) {
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++)
    if (view_equal(columns[i].name, name))
      return &columns[i];
  return NULL;
}
