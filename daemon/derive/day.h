/* Days and times of rows (READINGS.md, "Days and times"). Pure. */
#pragma once

#include "base/view.h"
#include "derive/truth.h"

#include <stdint.h>

enum day_form {
  DAY_NONE,  /* neither a day nor a time */
  DAY_ALONE, /* 2013-11-24 */
  DAY_UTC,   /* 2021-10-23T08:08:13Z, perhaps with a fraction */
  DAY_OTHER, /* a time of another zone, or of none */
};

struct day {
  enum day_form form;
  int32_t day; /* since 1970-01-01, in the zone of the time */
};

struct day day_read(struct view text);

/* The relation of a row's day or time to a whole day, which it certainly is before (LESS) or after
 * (GREATER), or is (EQUAL). UNKNOWN: it is a time on that day, or may be. */
enum order day_against(struct day row, int32_t bound);

/* The same, where it is not known in which zone the bound's day begins. */
enum order day_against_anywhere(struct day row, int32_t bound);

/* The order of the days or times of two rows. EQUAL: the same bytes. */
enum order day_order(struct view a, struct view b);
