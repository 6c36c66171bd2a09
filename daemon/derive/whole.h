/* Whole numbers of any length, as text. Pure. */
#pragma once

#include "base/view.h"

/* True if `text` is -?(0|[1-9][0-9]*), and not "-0". */
bool whole_is(struct view text);

/* Negative, 0 or positive, as for qsort(). Both are whole numbers. */
int whole_order(struct view a, struct view b);
