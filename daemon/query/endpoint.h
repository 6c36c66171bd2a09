/* The endpoints of v3 of which rows, columns and prices are known, from tables/endpoints.def. Pure.
 *
 * An endpoint that is not in the table is no error: its requests are passed on, and an answer is
 * used only for the same request. */
#pragma once

#include "base/view.h"

#include <stdint.h>

enum endpoint_type {
  ENDPOINT_INT,
  ENDPOINT_FLOAT,
  ENDPOINT_BOOLEAN,
  ENDPOINT_TIME, /* a date-time */
  ENDPOINT_DATE,
  ENDPOINT_STRING,
  ENDPOINT_ARRAY,
};

struct endpoint_column {
  struct view name;
  enum endpoint_type type;
  int64_t price; /* units in each row */
  bool nullable;
  bool selectable; /* in `select`; all columns can stand in `where` */
  bool sortable;   /* in `order_by` */
};

struct endpoint {
  struct view path;     /* behind "/v3/" */
  struct view rows;     /* the member of the answer that holds the rows */
  int64_t limit;        /* rows, if `limit` is absent */
  struct view defaults; /* `name=value&...`: of parameters, `limit` among them */
  const struct endpoint_column *columns;
  size_t column_count;
};

/* The endpoint at `path` (behind "/v3/"; case matters), or NULL. It lives forever. */
const struct endpoint *endpoint_find(struct view path);

/* The endpoint whose path `path` is, apart from the case of letters; NULL: none. */
const struct endpoint *endpoint_find_like(struct view path);

/* The column of that name (case matters), or NULL. It lives forever. */
const struct endpoint_column *endpoint_column(const struct endpoint *endpoint, struct view name);

/* The value that an absent parameter stands for; at NULL: none is known. */
struct view endpoint_default(const struct endpoint *endpoint, struct view name);
