/* Names and words that an upstream may take for others than they are. Pure.
 *
 * Servers differ in how they read parameters: PHP skips spaces before a name, ends it at `[`, and
 * puts `_` for a dot, a space, or a `[` that is not closed; others trim, or do not mind the case of
 * letters. What such a reading makes a parameter of v2 (reference, "Request") would be one for
 * upstream and none for the budget, the key and the token that were reckoned with: it is refused.
 */
#pragma once

#include "base/fault.h"
#include "base/view.h"

/* False: `name` (any bytes) is not the name of a parameter of v2, but nearly one; FAULT_MALFORMED
 * names the right one, and repeats nothing: a token may have slipped into it. */
bool names_check(struct view name, struct fault *fault) MUST_CHECK;

/* Whether `text` is `word` (ASCII) but for white space and case, and not just `word`. */
bool names_is_nearly(struct view text, struct view word);
