/* How far the rows of one order have come: those before a value, then those of a group. Pure.
 *
 * A rating is shown with one decimal; what v3 compares may differ from it by half of that. So the
 * bounds on ratings are wider where rows could be missed, and level_has() drops what had come. */
#pragma once

#include "base/text.h"
#include "translate/mapping.h"

#include <stdint.h>

/* Which values of v3 belong together. */
enum level_grouping {
  GROUP_EXACT,   /* equal ones */
  GROUP_SHOWN,   /* ratings that are shown alike */
  GROUP_ROUNDED, /* ratings that v2 showed alike */
  GROUP_DAY,     /* times of a day */
};

struct level {
  enum mapping_source order;
  bool descending;
  int key;       /* the column of order_by that it follows; -1: none */
  bool has_from; /* rows before `from` have come */
  int64_t from;
  bool has_group; /* the rows of this group alone are asked for, or have come (is_done) */
  bool is_done;
  enum level_grouping grouping;
  int64_t group;
};

/* The group of a value (translate/scalar.h): the least of its values, or for ROUNDED the middle. */
int64_t level_group(enum level_grouping grouping, int64_t value);
/* The values that v3 shows alike in the level's column. */
enum level_grouping level_shown(const struct level *level);

/* True if `a` comes before `b`. */
bool level_is_before(const struct level *level, int64_t a, int64_t b);

/* Appends filters, each with a comma in front, that let through what has not come, or if a group is
 * not done, its rows. */
void level_filter(const struct level *level, struct text *out);
/* True if that is so of a row with this value. */
bool level_has(const struct level *level, int64_t value);
