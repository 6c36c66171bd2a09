/* The columns of backlinks_new_lost, from tables/columns.def. Pure.
 *
 * A column that is not here is not an error: official clients know one (`sitewide`) that the
 * documentation no longer lists. It is upstream's business, and stays text. */
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

/* A set of columns has the bit of each. */
static inline uint32_t schema_bit(const struct column *column) {
  return UINT32_C(1) << column->index;
}
