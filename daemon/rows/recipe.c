#include "rows/recipe.h"

#include <stdlib.h>

static int order(const void *name, const void *item) {
  return view_order(*(const struct view *)name, ((const struct columns_item *)item)->name);
}

bool rows_recipe_names(const struct rows_recipe *recipe, struct view name) {
  const struct columns *named = recipe->named;
  return named->count && bsearch(&name, named->items, named->count, sizeof *named->items, order);
}
