/* `select` and `order_by`: columns joined by commas. Pure.
 *
 * Spaces and tabs around an element do not matter. In `select` neither do order and repetition; in
 * `order_by` order does, and ascending goes without saying (reference, "Request"). A text with an
 * element that cannot be one, or with more than QUERY_COLUMNS_MAX of them, stays as it came. */
#pragma once

#include "base/fault.h"
#include "base/view.h"
#include "query/schema.h"

struct columns_item {
  struct view name;            /* trimmed, as it came otherwise */
  const struct column *column; /* NULL: not in the schema */
  bool descending;             /* in order_by */
};

/* Begins as {0}, which is "no such parameter". */
struct columns {
  bool present; /* the parameter was given, if only empty */
  bool parsed;  /* `items` say all of it */
  struct view raw;
  struct columns_item *items; /* owned; select: sorted by name, none twice */
  size_t count;
};

/* Fills `columns` from the value of the parameter (any bytes; must outlive it). An element of
 * select may be anything but empty: upstream may know columns that the schema does not. False: no
 * memory, and there is nothing to release. */
bool columns_parse_select(struct view raw, struct columns *columns, struct fault *fault) MUST_CHECK;

/* The same, with elements `name`, `name:asc`, `name:desc`, where a name is letters, digits, "_". */
bool columns_parse_order(struct view raw, struct columns *columns, struct fault *fault) MUST_CHECK;

/* Whether `select` asks for all columns, by being absent or `*`. The list of all columns of the
 * schema is not that: upstream may have more. */
bool columns_are_all(const struct columns *select);

/* An element of `order_by` in its one spelling: `name` or `name:desc`. */
struct view columns_order_text(const struct columns_item *item);

/* Frees the list and leaves {0}. */
void columns_release(struct columns *columns);
