/* The normalized query as people read it, and what its key is made from, written side by side so
 * that they always say the same. Pure. */
#pragma once

#include "base/digest.h"
#include "base/text.h"
#include "base/view.h"

/* Begins as {0}, or as {.strict = true}. */
struct normal {
  bool strict;          /* the text is to be sent: it is encoded throughout */
  struct text text;     /* `name=value&name=value` */
  struct text material; /* name, tag and value of each part, with their lengths before them */
  struct view last;     /* name of the last part; at NULL: there is none */
};

/* Whether a value is in the one spelling that stands for all that mean the same, or as the client
 * sent it because no such spelling is known. One never equals the other in a key. */
enum normal_tag { NORMAL_SPELLING = 'n', NORMAL_RAW = 'r' };

/* Adds a part; `name` (at not NULL) must live until the next. Parts of one name in a row are the
 * elements of one value and get a comma between them in the text: their writer sees to it that no
 * element can be taken for two. */
void normal_put(struct normal *normal, struct view name, enum normal_tag tag, struct view value);

/* False: a part found no memory. */
bool normal_ok(const struct normal *normal);

/* Of the parts until now. */
struct digest normal_digest(const struct normal *normal);

void normal_free(struct normal *normal);
