/* Tenths of a row: what Ahrefs charges in, as an integer, in a type of its own so that it cannot be
 * added to results or bytes by accident. Sums saturate instead of overflowing. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdint.h>

struct rows {
  int64_t tenths;
};

#define ROWS(whole) ((struct rows){(int64_t)(whole)*10})
#define ROWS_MAX ((struct rows){INT64_MAX})
#define ROWS_TEXT_SIZE 24

struct rows rows_add(struct rows a, struct rows b);
/* a - b, but not below INT64_MIN. */
struct rows rows_subtract(struct rows a, struct rows b);
/* `each` for each of `count` (not negative). */
struct rows rows_times(struct rows each, int64_t count);

static inline bool rows_is_zero(struct rows a) {
  return a.tenths == 0;
}

/* -1, 0, 1 as a is less than, equal to, greater than b. */
static inline int rows_order(struct rows a, struct rows b) {
  return (a.tenths > b.tenths) - (a.tenths < b.tenths);
}

/* "201", "0.2": digits and at most one decimal; not negative. */
bool rows_parse(struct view text, struct rows *out) MUST_CHECK;

/* The same with '+' or '-' before it, or neither. */
bool rows_parse_signed(struct view text, struct rows *out) MUST_CHECK;

/* "201.0", "-0.2"; returns `out`. */
const char *rows_print(struct rows rows, char out[ROWS_TEXT_SIZE]);

/* rows_print() into a buffer that lives as long as the enclosing block. */
#define ROWS_TEXT(rows) rows_print((rows), (char[ROWS_TEXT_SIZE]){0})
