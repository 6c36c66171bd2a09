/* The judge of an answer: its lexer (json.c, serialized.c) tells it of every value as it comes, and
 * it decides what rows/reader.h promises. It knows nothing of bytes. Only for the files of rows.
 * Pure.
 *
 * Functions return false if the answer is broken; the judge keeps the first reason. */
#pragma once

#include "base/fault.h"
#include "rows/reader.h"

/* The kinds of value. EMPTY: false, or "". ARRAY, MAP: it has just begun. */
enum judge_weight { WEIGHT_NULL, WEIGHT_EMPTY, WEIGHT_FULL, WEIGHT_ARRAY, WEIGHT_MAP };

/* Depth 0 is outside, 1 in the top-level object, 2 in one of its members. */
struct judge {
  struct view rows; /* the name of the array; empty: any */
  int64_t max_depth, depth;
  int64_t results;
  const char *no_object; /* why a document that is no object is broken */
  bool takes_arrays;     /* the document may be one */
  bool is_array;         /* it is */
  bool counting;         /* in an array whose elements are rows */
  bool wants_array;      /* the member just named may be an array of rows */
  bool in_error;         /* the member just named, and its value, is `error` */
  bool seen_rows, seen_beside, seen_other, seen_error, error_says_something;
  bool began, ended;
  bool broken;
  struct fault fault; /* the first one */
};

void judge_begin(struct judge *judge, const struct reader_shape *shape, int64_t max_depth,
                 const char *no_object);

/* Keeps the reason, unless there is one already. Returns false. */
bool judge_refuse(struct judge *judge, const char *why);

/* A member of the object is named; at any depth. */
bool judge_key(struct judge *judge, struct view name);
/* A value has come, or has begun (ARRAY, MAP). */
bool judge_value(struct judge *judge, enum judge_weight weight);
/* An array or a map has ended. At the end of the document `ended` is true. */
void judge_end_value(struct judge *judge);
/* The bytes have ended. */
bool judge_finish(struct judge *judge);

static inline bool judge_has_name(const struct judge *judge) {
  return judge->rows.length > 0;
}
