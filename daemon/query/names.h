/* Names and words that upstream may read as others. Pure.
 *
 * Servers read parameters in different ways: PHP skips spaces before a name, ends it at `[`, and
 * writes `_` for a dot, a space, or a `[` that is not closed; other servers trim names or ignore
 * the case of letters. A name that becomes a documented parameter in such a reading would count for
 * upstream, but not for the budget, the key and the token here. It is refused. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

/* False: `name` (any bytes) is nearly, but not exactly, the name of a parameter of v2
 * (v2's reference, "Request"). FAULT_MALFORMED: the fault shows the right name and no part of
 * `name`, which may contain a token. */
bool names_check(struct view name, struct fault *fault) MUST_CHECK;

/* The same for the parameters that a call of v3 can have (v3's reference, "Requests"). */
bool names_check_call(struct view name, struct fault *fault) MUST_CHECK;

/* True if `text` differs from `word` (ASCII), but only in case and in white space at its ends. */
bool names_is_nearly(struct view text, struct view word);
