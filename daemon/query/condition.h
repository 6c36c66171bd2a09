/* `where` and `having`: conditions joined by commas, all of which must hold. Pure.
 *
 *     set       = condition *( "," condition )
 *     condition = column operator value
 *               / ( "substring" / "word" / "subdomain" ) "(" column "," quoted ")"
 *     operator  = ":" / "=" / "<>" / "<" / "<=" / ">" / ">="      ":" is another "="
 *     column    = 1*( letter / digit / "_" ), no digit first
 *     value     = quoted / bare
 *     quoted    = between two " or two ', with \" \' and \\ inside
 *     bare      = 1*( letter / digit / "_" / "." / "+" / "-" )
 *
 * Spaces and tabs may stand between tokens (reference, "Conditions"). Two sets are the same if
 * they differ only in spaces, quotes, ":" for "=", the spelling of an integer for an integer column
 * or of `true` for a boolean one, order, or repetition. No other difference is known to be without
 * meaning: letters keep their case, dates and fractions their spelling, and a bare word differs
 * from a quoted one. A text outside this grammar is kept whole, as it came; upstream may understand
 * it.
 */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/schema.h"

enum condition_op {
  CONDITION_EQ,
  CONDITION_NE,
  CONDITION_LT,
  CONDITION_LE,
  CONDITION_GT,
  CONDITION_GE,
  CONDITION_SUBSTRING, /* from here on functions */
  CONDITION_WORD,
  CONDITION_SUBDOMAIN,
};

enum condition_kind {
  CONDITION_STRING,  /* quoted, for any column; the only kind in functions */
  CONDITION_NUMBER,  /* of an integer column: -?(0|[1-9][0-9]*), of any length, no "-0" */
  CONDITION_BOOLEAN, /* of a boolean column: "true" or "false" */
  CONDITION_BARE,    /* bare, and neither of the two above */
};

struct condition {
  const struct column *column; /* NULL: not in the schema; then only `text` counts */
  enum condition_op op;
  enum condition_kind kind;
  struct view value; /* decoded */
  struct view text;  /* in its one spelling; as it came where the column is not in the schema */
  char *bytes;       /* owned; the two point into it */
};

/* Begins as {0}, which is "no such parameter". */
struct conditions {
  bool present; /* the parameter was given, perhaps empty */
  bool parsed;  /* the text follows the grammar, and `items` are all of it */
  struct view raw;
  struct condition *items; /* sorted by text, none twice; owned */
  size_t count;
};

/* Fills `set` from the value of the parameter (any bytes; must outlive the set). A text outside the
 * grammar, or with more than QUERY_CONDITIONS_MAX conditions, is no failure: `parsed` is false, and
 * there are no items. False: no memory; there is nothing to release. */
bool condition_parse(struct view raw, struct conditions *set, struct fault *fault) MUST_CHECK;

/* Frees the set and leaves {0}. */
void condition_release(struct conditions *set);
