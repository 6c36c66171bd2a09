/* The wider query, which upstream is asked in place of a client's, so that its answer can answer
 * more queries: all columns where upstream charges none for them, and JSON. Pure.
 *
 * The answer to the client's query is then the same rows, with the columns that it selects and in
 * its form: rows/writer.h makes it by widen_recipe(). */
#pragma once

#include "query/query.h"
#include "rows/recipe.h"

/* Makes the wider query. `all_columns`: upstream charges none for columns. *wide is NULL if the
 * query itself is to be asked: it is as wide already, or its answer could not be computed from the
 * wider one (derive/rules.h). The caller owns *wide. False: no memory. */
bool widen_query(const struct query *query, bool all_columns, struct query **wide,
                 struct fault *fault) MUST_CHECK;

/* The recipe that makes the answer to `query` of the answer to its wider one. */
struct rows_recipe widen_recipe(const struct query *query);
