/* The keys that begin with some hex digits. Pure. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/view.h"

#define RANGE_LEAST_DIGITS 4

struct range {
  struct digest first, last;
};

/* The range of keys that begin with `hex`. FAULT_MALFORMED: it is no prefix of a key, or is shorter
 * than RANGE_LEAST_DIGITS. */
bool range_of_prefix(struct view hex, struct range *range, struct fault *fault) MUST_CHECK;
