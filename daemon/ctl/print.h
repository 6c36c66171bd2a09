/* Answers as text for people, and as CSV. Pure.
 *
 * What stands in an answer may come from anybody who sent a query, so nothing reaches a terminal
 * that could command it or show other than it says (base/visible.h). */
#pragma once

#include "base/text.h"

#include <stdint.h>
#include <yajl/yajl_tree.h>

/* How a value is shown. */
enum print_kind {
  PRINT_TEXT,
  PRINT_LABEL,    /* as TEXT; "(none)" where it is empty */
  PRINT_NUMBER,   /* integers and rows; to the right */
  PRINT_BYTES,    /* 3.4 MiB */
  PRINT_DURATION, /* 3d 4h */
  PRINT_PART,     /* 83.3 % */
};

struct print_column {
  const char *member; /* of each row; "rows.today.spent" is a member of a member */
  const char *heading;
  enum print_kind kind;
};

/* `rows`: an array of objects; `total`: an object for a last line, or NULL. What is missing, null,
 * or of another type than expected is shown as "-". */
void print_table(struct text *out, const struct print_column *columns, size_t count, yajl_val rows,
                 yajl_val total);

/* RFC 4180, headings first: the members' names, and the values as they came but for what
 * base/visible.h escapes, so that a program need not take "3.4 MiB" apart. A text that a
 * spreadsheet would run as a formula (it begins with = + - or @) gets an apostrophe in front:
 * targets are written by whoever sends queries, the file is opened by whoever pays for them, and no
 * honest target or name begins so. Who needs every byte takes --json. */
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
