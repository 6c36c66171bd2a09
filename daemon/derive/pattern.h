/* Could a text be read as one that holds another? Pure. Only for the files of derive. */
#pragma once

#include "base/view.h"

/* False: under no folding (derive/letters.h) does `text` contain `pattern`, which is printable
 * ASCII and not empty. */
bool pattern_may_occur(struct view pattern, struct view text);

/* False: under no folding does `text` equal `pattern`, which is printable ASCII. */
bool pattern_may_equal(struct view pattern, struct view text);
