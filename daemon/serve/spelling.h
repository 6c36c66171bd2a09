/* The spelling of a request: its target as it came, with the token cut out. Two requests with the
 * same spelling ask the same, whoever asks. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

/* A longer target is not remembered, in bytes. */
#define SPELLING_MOST 1024

/* The views point into the target and the header's value. */
struct spelling {
  struct view before, after; /* of the target, around the token */
  struct view token;
  uint64_t hash; /* of `before` and `after` */
};

/* Takes a target apart whose token can be cut out without reading all of it: one parameter `token`
 * with a value of letters, digits, '-', '.' and '_' alone, or none and such a Bearer token in the
 * value of Authorization (empty: there is none); no such text elsewhere in the target; and no name
 * of a parameter that is percent-encoded. False: it has to be read in full. */
bool spelling_read(struct view target, struct view authorization,
                   struct spelling *spelling) MUST_CHECK;
/* True if both have the same spelling. */
bool spelling_equal(const struct spelling *a, const struct spelling *b);
