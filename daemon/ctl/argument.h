/* Prepares the QUERY of `rowcachectl explain` for sending. Pure. */
#pragma once

#include "base/text.h"

/* `argument`: a query string, with or without its '?', a whole URL, or one from its path on. What
 * stands after '#' is dropped. Appends the query string to `out`, behind the path if that is a call's
 * of v3, without the parameter `token`, which `explain` does not need; bytes that a request line must
 * not contain are percent-encoded. */
void argument_clean(struct view argument, struct text *out);
