/* application/x-www-form-urlencoded text, taken apart and put together. Pure.
 *
 * A request's parameters come from its query string and, for POST, from its body too. What says a
 * thing twice in two ways is refused here, so that nobody behind has to choose. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/limits.h"

struct form_pair {
  struct view name, value; /* decoded; live as long as the form */
  char *bytes;             /* what they point into, owned */
};

/* Begins as {0}. Pairs stand in the order in which they came. */
struct form {
  struct form_pair pairs[QUERY_PARAMETERS_MAX];
  size_t count;
};

/* Appends the pairs of `encoded` (any bytes, not kept): may be called for the query string and then
 * for the body. `+` is a space; empty pieces are skipped; a piece without `=` has an empty value;
 * a pair given again with the same value counts once. FAULT_MALFORMED: a broken percent escape, a
 * name or value that is not UTF-8 (reference, "Request") or contains NUL, a name given twice with
 * different values, too many pairs, too long a name. No fault shows a parameter's value. After a
 * failure the form still has to be freed. */
bool form_parse(struct form *form, struct view encoded, struct fault *fault) MUST_CHECK;

/* The value of `name` (compared bytewise) or NULL; lives as long as the form. */
const struct view *form_get(const struct form *form, const char *name);

/* True if `encoded`, one name or value as it came (any bytes), decodes to `text`. */
bool form_means(struct view encoded, struct view text);

/* Percent-encodes one name or value: RFC 3986 unreserved characters stay, everything else becomes
 * %XX in upper case. */
void form_encode(struct text *out, struct view value);

/* As form_encode(), and the bytes of `keep` stay too. */
void form_encode_but(struct text *out, struct view value, struct view keep);

void form_free(struct form *form);

#define FORM_SHOWN_SIZE 48

/* `value` for an error message: shortened, everything but printable ASCII replaced by '?'. Returns
 * `out`. */
const char *form_show(struct view value, char out[FORM_SHOWN_SIZE]);
#define FORM_SHOWN(value) form_show((value), (char[FORM_SHOWN_SIZE]){0})
