/* application/x-www-form-urlencoded text: decoding and encoding. Pure.
 *
 * The parameters of a request come from its query string and, for POST, from its body too. A
 * parameter that is given in two ways is refused here, so that nothing behind has to choose. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/limits.h"

struct form_pair {
  struct view name, value; /* decoded; live as long as the form */
  char *bytes;             /* owned; the two point into it */
};

/* Begins as {0}. The pairs keep the order in which they came. */
struct form {
  struct form_pair pairs[QUERY_PARAMETERS_MAX];
  size_t count;
};

/* Appends the pairs of `encoded` (any bytes, not kept). May be called for the query string and then
 * for the body. `+` is a space; empty pieces are skipped; a piece without `=` has an empty value; a
 * pair that is repeated with the same value counts once. FAULT_MALFORMED: a broken percent escape;
 * a name or value that is not UTF-8 (reference, "Request") or contains NUL; a name with two
 * different values; too many pairs; too long a name. No fault shows the value of a parameter. After
 * a failure the form must still be freed. */
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

/* Writes `value` for an error message: shortened, and with "?" for each byte that is not printable
 * ASCII. Returns `out`. */
const char *form_show(struct view value, char out[FORM_SHOWN_SIZE]);
#define FORM_SHOWN(value) form_show((value), (char[FORM_SHOWN_SIZE]){0})
