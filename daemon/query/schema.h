/* The columns of backlinks_new_lost, from tables/columns.def. Pure.
 *
 * A column outside the schema is no error: official clients know one (`sitewide`) that the
 * documentation no longer lists. Its meaning is up to upstream, and it stays text. */
#pragma once

#include "base/view.h"

#include <stdint.h>

enum column_type { COLUMN_DATE, COLUMN_STRING, COLUMN_INT, COLUMN_BOOLEAN };

struct column {
  struct view name;
  enum column_type type;
  unsigned index; /* place in the table, below SCHEMA_COLUMNS */
};

enum {
#define COLUMN(name, type) SCHEMA_##name,
#include "tables/columns.def"
#undef COLUMN
  SCHEMA_COLUMNS
};

/* The column of that name (case matters), or NULL. It lives forever. */
const struct column *schema_find(struct view name);

/* The bit of a column in a set of columns. */
static inline uint32_t schema_bit(const struct column *column) {
  return UINT32_C(1) << column->index;
}
