/* The normalized query: its text for readers and the material of its key. Both are written side by
 * side, so that they always agree. Pure. */
#pragma once

#include "base/digest.h"
#include "base/text.h"
#include "base/view.h"

/* Begins as {0}. */
struct normal {
  struct text text;     /* `name=value&name=value` */
  struct text material; /* name, tag and value of each part, with their lengths before them */
  struct view last;     /* name of the last part; at NULL: there is none */
  char separator;       /* before the next part in `text`; 0: none, as it is the first */
};

/* The tag of a value: in its one spelling, shared by all values of the same meaning; or as the
 * client sent it, because no such spelling is known. In a key the two are never equal. */
enum normal_tag { NORMAL_SPELLING = 'n', NORMAL_RAW = 'r' };

/* Begins with the path of a call (query/call.h): "/v3/PATH", and "?" before the next part. */
void normal_put_path(struct normal *normal, struct view path);

/* Adds a part. `name` (at not NULL) must live until the next part. Consecutive parts of one name
 * are elements of one value, with a comma between them in the text; the caller makes sure that no
 * element contains one. */
void normal_put(struct normal *normal, struct view name, enum normal_tag tag, struct view value);

/* False: there was no memory for a part. */
bool normal_ok(const struct normal *normal);

/* The digest of all parts so far. */
struct digest normal_digest(const struct normal *normal);

void normal_free(struct normal *normal);
