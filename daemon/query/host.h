/* The one spelling of a target's host. Pure.
 *
 * Two spellings are equal only where that is certain (RFC 1035 2.3.3, RFC 5890 2.3.2.1): they
 * differ in the case of letters, in one dot at the end, or as the A-labels and U-labels of one
 * name. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"

/* Writes the one spelling of `raw` (any bytes) to `host`, which is empty: lower case, without one
 * dot at its end, an internationalized name as A-labels, an IPv6 literal in its brackets. `host`
 * stays empty if `raw` is no host, or if its spelling is not certain. False: no memory.
 *
 * The A-labels of a name are certain if they convert back to it, apart from the case of letters. So
 * nothing is dropped (soft hyphens, joiners, variation selectors), made narrower (full-width
 * letters), composed, or taken for a dot (U+3002), as IDNA's mapping for user interfaces would do:
 * upstream may read such a text as another host, or as none. */
bool host_normalize(struct view raw, struct text *host, struct fault *fault) MUST_CHECK;
