/* Prepares the QUERY of `rowcachectl explain` for sending. Pure. */
#pragma once

#include "base/text.h"

/* `argument`: a query string, with or without its '?', or a whole URL, whose part after '#' is
 * dropped. Appends it to `out` without the parameter `token`, which `explain` does not need, and
 * percent-encodes bytes that a request line must not contain. */
void argument_clean(struct view argument, struct text *out);
