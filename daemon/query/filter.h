/* v3's `where`: a filter, as a tree. Pure.
 *
 *     filter = {"and": [filter, ...]} / {"or": [filter, ...]} / {"not": filter}
 *            / {"field": "name", "is": test}
 *            / {"field": "name", "list_is": {"any": [op, value]}} / ... {"all": [op, value]}
 *     test   = [op, value] / "is_null" / "empty"
 *
 * with the operators of v3's reference, lists that are not empty, and a value that is a string, a
 * number, true, false or null. Two filters are the same if they differ only as JSON texts may
 * (query/json_tree.h), or in the order, the repetition or the nesting of the parts of `and` and of
 * `or`: whatever a part says of a row (true, false or unknown), the whole says the same. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"

enum filter_kind {
  FILTER_AND,
  FILTER_OR,
  FILTER_NOT,
  FILTER_IS,
  FILTER_IS_NULL,
  FILTER_IS_EMPTY,
  FILTER_ANY, /* list_is: of an element of the array */
  FILTER_ALL, /* list_is: of each of them */
};

enum filter_op {
  FILTER_EQ,
  FILTER_NEQ,
  FILTER_GT,
  FILTER_GTE,
  FILTER_LT,
  FILTER_LTE,
  FILTER_SUBSTRING,
  FILTER_ISUBSTRING,
  FILTER_PHRASE_MATCH,
  FILTER_IPHRASE_MATCH,
  FILTER_PREFIX,
  FILTER_SUFFIX,
  FILTER_REGEX,
};

enum filter_value_kind { FILTER_STRING, FILTER_NUMBER, FILTER_FALSE, FILTER_TRUE, FILTER_NULL };

struct filter_value {
  enum filter_value_kind kind;
  struct view text; /* STRING: decoded, may contain NUL; NUMBER: as it came; else empty */
};

/* Does not change after filter_parse(); any number of threads may read it. */
struct filter {
  enum filter_kind kind;
  struct view text; /* its one spelling: filters with equal texts mean the same */

  struct view field; /* of all but AND, OR and NOT */
  enum filter_op op; /* of IS, ANY and ALL, as is: */
  struct filter_value value;

  /* AND, OR: at least one, sorted, none twice, none of the same kind; NOT: one. */
  struct filter **parts;
  size_t count;
};

/* Makes the filter of `text` (any bytes, not kept). *out is NULL, and that is no failure, if the
 * text is outside the grammar, or no JSON as json_tree_parse() reads it. The caller owns *out and
 * gives it up with filter_release(). False: no memory. */
bool filter_parse(struct view text, struct filter **out, struct fault *fault) MUST_CHECK;

/* Frees the filter that filter_parse() made, with all its parts, and leaves NULL; *filter may be
 * NULL. */
void filter_release(struct filter **filter);

/* Writes the one spelling of `text` (any bytes) to `out`, which is empty: of a filter, its `text`;
 * of another JSON text, its one spelling with `and` and `or` as above wherever a filter may stand.
 * `out` stays empty if the text is no JSON. False: no memory. */
bool filter_normalize(struct view text, struct text *out, struct fault *fault) MUST_CHECK;

/* Calls `each` with the field of each test, as often as it occurs. */
void filter_each_field(const struct filter *filter, void (*each)(void *context, struct view field),
                       void *context);

/* The number of tests. */
size_t filter_count(const struct filter *filter);
