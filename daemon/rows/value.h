/* Rows as data: the values of one element of an answer's array of rows, by column. All views point
 * into memory of whoever made the row, and end with it. */
#pragma once

#include "base/view.h"
#include "query/schema.h"

enum value_kind {
  VALUE_ABSENT, /* the element has no such member */
  VALUE_NULL,
  VALUE_FALSE,
  VALUE_TRUE,
  VALUE_NUMBER,
  VALUE_STRING,
  VALUE_NESTED, /* an object or an array */
};

struct value {
  enum value_kind kind;
  struct view raw;  /* the JSON text as it came, quotes included; empty: ABSENT */
  struct view text; /* NUMBER: its text; STRING: what it decodes to, UTF-8; else empty */
};

/* The most members that an element may have (v3 knows 82). Beyond it, it cannot be read as a row. */
#define ROW_MEMBERS_MOST 128

/* A member of an element. */
struct row_member {
  struct view raw_name;        /* as it came, quotes included */
  struct view name;            /* what it decodes to, UTF-8 */
  const struct column *column; /* NULL: not in the schema */
  struct value value;
};

/* Where an element lies in its answer, in bytes. */
struct row_place {
  int64_t position; /* of its first byte */
  size_t length;    /* from brace to brace */
};

struct row {
  struct value values[SCHEMA_COLUMNS]; /* by the column's index */
  int64_t position;                    /* of its first byte in the answer, in bytes */
  struct view raw;                     /* the whole element as it came, from brace to brace */
  struct row_member members[ROW_MEMBERS_MOST]; /* in the order in which they came, no name twice */
  size_t count;                                /* of members */
};

/* The value of the member of that name; ABSENT if there is none. */
const struct value *row_value(const struct row *row, struct view name);
