#include "rows/judge.h"

#include <stdio.h>

void judge_begin(struct judge *judge, const struct reader_shape *shape, int64_t max_depth,
                 const char *no_object) {
  *judge = (struct judge){.rows = shape->rows,
                          .max_depth = max_depth,
                          .no_object = no_object,
                          .takes_arrays = shape->takes_arrays};
}

bool judge_refuse(struct judge *judge, const char *why) {
  if (!judge->broken)
    fault_set(&judge->fault, FAULT_UPSTREAM, "upstream's answer is broken: %s", why);
  judge->broken = true;
  return false;
}

/* The reason names the array of rows. */
static bool refuse_rows(struct judge *judge, const char *before, const char *after) {
  char why[128];
  snprintf(why, sizeof why, "%s'%.*s'%s", before, (int)judge->rows.length, judge->rows.at, after);
  return judge_refuse(judge, why);
}

bool judge_key(struct judge *judge, struct view name) {
  if (judge->depth != 1)
    return true;
  bool has_name = judge_has_name(judge);
  bool is_rows = has_name && view_equal(name, judge->rows);
  judge->wants_array = is_rows || !has_name;
  if (is_rows && judge->seen_rows)
    return refuse_rows(judge, "", " stands twice");
  judge->seen_rows = judge->seen_rows || is_rows;
  judge->seen_beside = judge->seen_beside || !is_rows;
  judge->in_error = view_is(name, "error");
  judge->seen_error = judge->seen_error || judge->in_error;
  judge->seen_other = judge->seen_other || !judge->in_error;
  return true;
}

/* Begins the value of a member of the top-level object. */
static bool begin_member(struct judge *judge, enum judge_weight weight) {
  bool wanted = judge->wants_array;
  judge->wants_array = false;
  if (judge->in_error && weight == WEIGHT_FULL)
    judge->error_says_something = true;
  if (wanted && weight != WEIGHT_NULL && weight != WEIGHT_ARRAY && judge_has_name(judge))
    return refuse_rows(judge, "", " is no array");
  judge->counting = wanted && weight == WEIGHT_ARRAY;
  return true;
}

/* Begins any value. */
static bool begin_value(struct judge *judge, enum judge_weight weight) {
  if (judge->depth == 0)
    return judge_refuse(judge, judge->no_object);
  if (judge->depth == 1 && judge->is_array) {
    judge->results++;
    return true;
  }
  if (judge->depth == 1)
    return begin_member(judge, weight);
  if (judge->in_error)
    judge->error_says_something = true;
  if (judge->depth == 2 && judge->counting)
    judge->results++;
  return true;
}

static bool deeper(struct judge *judge) {
  if (++judge->depth > judge->max_depth)
    return judge_refuse(judge, "it is nested too deep (upstream.max_depth)");
  return true;
}

bool judge_value(struct judge *judge, enum judge_weight weight) {
  if (weight < WEIGHT_ARRAY)
    return begin_value(judge, weight);
  bool fits = weight == WEIGHT_MAP || judge->takes_arrays;
  bool is_document = fits && judge->depth == 0 && !judge->began;
  judge->began = true;
  if (is_document)
    judge->is_array = weight == WEIGHT_ARRAY;
  return (is_document || begin_value(judge, weight)) && deeper(judge);
}

void judge_end_value(struct judge *judge) {
  if (--judge->depth == 1)
    judge->counting = false;
  judge->ended = judge->depth == 0;
}

bool judge_finish(struct judge *judge) {
  if (!judge->ended)
    return judge_refuse(judge, "it ends too early");
  if (judge_has_name(judge) && !judge->seen_rows && !judge->seen_error)
    return refuse_rows(judge, "it has neither ", " nor 'error'");
  return !judge->broken;
}
