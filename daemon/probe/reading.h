/* What came of one request of check-upstream. Pure. */
#pragma once

#include "base/fault.h"
#include "base/view.h"
#include "dialect/tariff.h"

#include <stdint.h>
#include <yajl/yajl_tree.h>

enum reading_state {
  READING_UNASKED, /* the run ended before */
  READING_SKIPPED, /* the answers before it have no rows that it could ask about */
  READING_FAILED,  /* no answer; `fault` gives the reason */
  READING_REFUSED, /* upstream answered with an error of its own; `fault` shows it */
  READING_SOUND,   /* an answer that is whole */
};

/* The costs that an answer states, in units; -1: not stated. */
struct reading_costs {
  int64_t total, actual;
  bool is_kept; /* it came out of upstream's own cache: that costs nothing, whatever is asked */
};

/* Begins as {0}. */
struct reading {
  enum reading_state state;
  unsigned status; /* of HTTP; 0: no answer */
  struct fault fault;
  struct reading_costs costs;
  struct tariff tariff; /* the price by rowcache's own tables */
  char *body;           /* of REFUSED and SOUND: owned, NUL-terminated */
  yajl_val tree;        /* of SOUND: owned; NULL: no memory */
  yajl_val rows;        /* in `tree`: the array of rows; NULL: there is none */
};

/* Takes over `body`, the whole body of a sound answer (reader_finish() was true of it), or of an
 * error. */
void reading_take(struct reading *reading, bool is_sound, char *body);
/* Leaves {0}. */
void reading_free(struct reading *reading);

/* The number of rows; -1: there is no array of rows. */
int64_t reading_count(const struct reading *reading);
/* A value of a row; NULL: there is no such row (-1), or it has none of that name. As long as the
 * reading. */
yajl_val reading_value(const struct reading *reading, int64_t row, const char *column);
/* The same if it is a string; otherwise NULL. */
const char *reading_string(const struct reading *reading, int64_t row, const char *column);
/* A string of the account of a key; NULL if there is none. */
const char *reading_account(const struct reading *reading, const char *member);

/* True if the body has `name` as a word of letters, digits and "_". */
bool reading_names(const struct reading *reading, struct view name);

/* True if `text` is a time as v3 writes it: 2026-04-08T00:05:47Z. Its first READING_DAY bytes are
 * the day. */
bool reading_is_time(const char *text);
#define READING_DAY ((size_t)10)
