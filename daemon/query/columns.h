/* `select` and `order_by`: columns joined by commas. Pure.
 *
 * Spaces and tabs around an element have no meaning. In `select` neither have order and repetition;
 * in `order_by` order has, and ascending is the default (reference, "Request"). A text stays as it
 * came if one of its elements cannot be a column, or if it has more than QUERY_COLUMNS_MAX of
 * them. */
#pragma once

#include "base/fault.h"
#include "base/view.h"
#include "query/schema.h"

struct columns_item {
  struct view name;            /* trimmed, as it came otherwise */
  const struct column *column; /* NULL: not in the schema */
  bool descending;             /* in order_by; false without a direction: v2 means ascending then,
                                  and v3 does not tell what it means */
};

/* Begins as {0}, which is "no such parameter". */
struct columns {
  bool present; /* the parameter was given, perhaps empty */
  bool parsed;  /* `items` are the whole text */
  struct view raw;
  struct columns_item *items; /* owned; select: sorted by name, none twice */
  size_t count;
};

/* Fills `columns` from the value of the parameter (any bytes; must outlive it). An element of
 * select may be anything but empty: upstream may know columns that the schema does not. False: no
 * memory; there is nothing to release. */
bool columns_parse_select(struct view raw, struct columns *columns, struct fault *fault) MUST_CHECK;

/* The same, with elements `name`, `name:asc`, `name:desc`, where a name is letters, digits, "_". */
bool columns_parse_order(struct view raw, struct columns *columns, struct fault *fault) MUST_CHECK;

/* True if `select` asks for all columns: it is absent or `*`. A list of all columns in the schema
 * does not count, as upstream may have more. */
bool columns_are_all(const struct columns *select);

/* An element of `order_by` in its one spelling: `name` or `name:desc`. */
struct view columns_order_text(const struct columns_item *item);

/* Frees the list and leaves {0}. */
void columns_release(struct columns *columns);
