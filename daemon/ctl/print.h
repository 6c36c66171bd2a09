/* Prints answers for people, and as CSV. Pure.
 *
 * Text in an answer may come from anybody who sent a query, so control characters and characters
 * that could mislead a reader are escaped before they reach a terminal (base/visible.h). */
#pragma once

#include "base/text.h"

#include <stdint.h>
#include <yajl/yajl_tree.h>

/* How a value is shown. */
enum print_kind {
  PRINT_TEXT,
  PRINT_LABEL,    /* as TEXT; "(none)" where it is empty */
  PRINT_DIGITS,   /* the first digits of a key, for a listing; --json has all */
  PRINT_NUMBER,   /* to the right; likewise: */
  PRINT_ROWS,     /* an amount of rows */
  PRINT_UNITS,    /* an amount of units */
  PRINT_BYTES,    /* 3.4 MiB */
  PRINT_DURATION, /* 3d 4h */
  PRINT_PART,     /* 83.3 % */
};

struct print_column {
  const char *member; /* of each row; "rows.today.spent" is a member of a member */
  const char *heading;
  enum print_kind kind;
};

/* `rows`: an array of objects; `total`: an object for the last line, or NULL. A value that is
 * missing, null or of an unexpected type is shown as "-". */
void print_table(struct text *out, const struct print_column *columns, size_t count, yajl_val rows,
                 yajl_val total);

/* RFC 4180, with the members' names as headings. Values are as in the answer, but for the escapes of
 * base/visible.h, so that a program need not parse "3.4 MiB". A text that a spreadsheet would run as
 * a formula (it begins with = + - or @) gets an apostrophe in front: anybody who sends queries can
 * choose a target, and no honest target or name begins so. --json has every byte. */
void print_csv(struct text *out, const struct print_column *columns, size_t count, yajl_val rows);

/* One value, as a table shows it. */
void print_value(struct text *out, enum print_kind kind, yajl_val value);

/* "3d 4h", "-5m 1s": the two greatest units. */
void print_duration(struct text *out, int64_t seconds);

/* "heading   value" lines of one object. */
void print_lines(struct text *out, const struct print_column *columns, size_t count,
                 yajl_val object);
/* The beginning of such a line. */
void print_heading(struct text *out, const char *heading);
