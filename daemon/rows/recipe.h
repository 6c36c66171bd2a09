/* What is made of the rows of an answer: which of them, and which of their members. Pure. */
#pragma once

#include "query/columns.h"
#include "rows/value.h"

#include <stdint.h>

/* A filter's word on a row. UNKNOWN: upstream may read the condition either way. */
enum rows_keep { ROWS_DROP, ROWS_KEEP, ROWS_UNKNOWN };

struct rows_recipe {
  /* Every member, those outside the schema among them. Otherwise those that `named` lists or, where
   * it is NULL, those of `columns`. */
  bool all_columns;
  const struct columns *named; /* sorted by name, none twice: see columns_parse_select() */
  uint32_t columns;            /* a set of schema_bit() */
  /* A row without one of these columns is taken for what upstream would have sent. Otherwise the
   * recipe fails there: upstream might have sent null. */
  bool may_lack_columns;
  /* What stands beside the array of rows may depend on them: the source must hold nothing else. */
  bool needs_plain;
  /* NULL: every row is kept. Is not asked about rows behind the window. */
  enum rows_keep (*keep)(void *context, const struct row *row);
  void *context;
  int64_t offset, limit; /* the window on the kept rows; a limit of -1 has no end */
};

/* True if the recipe leaves every answer as it is. */
static inline bool rows_recipe_is_empty(const struct rows_recipe *recipe) {
  return recipe->all_columns && !recipe->keep && recipe->offset == 0 && recipe->limit < 0;
}

/* True if the recipe's list has the name. */
bool rows_recipe_names(const struct rows_recipe *recipe, struct view name);

static inline bool rows_recipe_takes(const struct rows_recipe *recipe,
                                     const struct row_member *member) {
  if (recipe->all_columns)
    return true;
  if (recipe->named)
    return rows_recipe_names(recipe, member->name);
  return member->column && recipe->columns & schema_bit(member->column);
}
