/* Can a query be answered from a stored result, and how? Pure.
 *
 * A result E holds the rows of a query Q where all of this is certain:
 *
 *   subject     the same table, target and mode, and no parameter of unknown meaning
 *   columns     E has every column that Q selects, filters and sorts by
 *   conditions  every condition of E is implied by one of Q (derive/imply.h), and every condition
 *               that Q has beyond those of E can be judged on a row (derive/judge.h). `where` and
 *               `having` filter alike, as this table groups nothing.
 *   window      with the conditions and the order of E: Q's window lies in E's, or reaches beyond
 *               the last row, which E holds. Otherwise E is complete.
 *   order       Q's is E's, whose rows then keep their order; or E is complete, and Q's columns of
 *               order_by are known.
 *
 * Calls of v3 have rules of their own: derive/call_rules.h.
 *
 * The last word is for the rows: derive/apply.h gives up at the first one that could matter and of
 * which it is not certain what upstream would have done. */
#pragma once

#include "derive/reason.h"
#include "query/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct columns;
struct condition;
struct endpoint;
struct filter;
struct query;

/* The most parts of an `and` that are judged on each row of a call's source. */
#define DERIVE_PARTS_MOST 64

/* A stored result. */
struct derive_source {
  const struct query *query; /* what was asked of upstream for it */
  int64_t results;
  bool may_be_cut; /* upstream may have left out rows for another reason than the query's limit */
  /* A call: the most rows that one answer can have, as far as it is known; 0: it is not. */
  int64_t cap;
  /* A query of v2 without a lower bound on `date`: it has no rows of earlier days than this (since
   * 1970). 0: it has. */
  int32_t since;
};

/* v3 is asked for so many days before today where a query of v2 has no lower bound on `date`: v2
 * reached about so far back. */
#define RULES_PERIOD_DAYS 60

/* How the answer is made of the source's rows. Everything that it points to is the query's. */
struct derive_recipe {
  /* The conditions of the query that the source's rows do not all satisfy. */
  const struct condition *filter[2 * QUERY_CONDITIONS_MAX];
  size_t filter_count;
  const struct columns
      *order;            /* sort by it; NULL: the rows keep their order. Where it has no items,
                                  upstream's order is not known, and must not show */
  int64_t offset, limit; /* of the rows that are left */
  bool all_columns;      /* the elements stay as they are */
  uint32_t columns;      /* otherwise: the columns to show, by schema_bit() */
  uint32_t needed;       /* the columns of filter, order and `columns`, by schema_bit() */
  bool changes_nothing;  /* the answer is the source, byte for byte */

  /* Of calls; NULL for queries of v2. The rows keep their order. */
  const struct endpoint *endpoint;
  const struct columns *named; /* instead of `columns`: the columns to show, by name */
  /* What the source's rows do not all satisfy. */
  const struct filter *parts[DERIVE_PARTS_MOST];
  size_t part_count;
  /* Rows that `ties` does not tell apart may stand in another order in the answer, which must not
   * show; it may have no items. NULL: all rows keep their order. */
  const struct columns *ties;
};

/* POSSIBLE, and then *recipe is filled; or the first reason why not. */
enum derive_reason rules_derive(const struct query *wanted, const struct derive_source *source,
                                struct derive_recipe *recipe);

/* Fills `columns`, by schema_bit(), with what `select` (query/columns.h) lists. False: it asks for
 * all columns, or for one that the schema does not know. */
bool rules_columns(const struct columns *select, uint32_t *columns);

/* True if a result holds all rows of its target and mode that satisfy its conditions. */
bool rules_is_complete(const struct derive_source *source);
