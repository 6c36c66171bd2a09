#include "derive/widen.h"

#include "derive/rules.h"
#include "query/columns.h"

/* True if all columns, or JSON, make another query of it. */
static bool is_wider(const struct query *query, const struct query_change *change) {
  uint32_t columns;
  return (change->all_columns && rules_columns(query_select(query), &columns)) ||
         query_output(query) == QUERY_PHP;
}

/* True if the rules allow to compute the answer from a full answer to `wide`. Without this, the
 * wider query would be paid for again each time. */
static bool can_return(const struct query *query, const struct query *wide) {
  const struct derive_source source = {.query = wide, .results = query_limit(wide)};
  struct derive_recipe recipe;
  return rules_derive(query, &source, &recipe) == DERIVE_POSSIBLE;
}

bool widen_query(const struct query *query, bool all_columns, struct query **wide,
                 struct fault *fault) {
  const struct query_change change = {.all_columns = all_columns, .as_json = true};
  *wide = NULL;
  if (query_table(query) != QUERY_BACKLINKS_NEW_LOST || !is_wider(query, &change))
    return true;
  if (!query_changed(query, &change, wide, fault))
    return false;
  if (!can_return(query, *wide))
    query_release(wide);
  return true;
}

struct rows_recipe widen_recipe(const struct query *query) {
  struct rows_recipe recipe = {.limit = -1};
  recipe.all_columns = !rules_columns(query_select(query), &recipe.columns);
  return recipe;
}
