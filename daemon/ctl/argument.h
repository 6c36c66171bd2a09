/* The QUERY of `rowcachectl explain`, made ready to be sent. Pure. */
#pragma once

#include "base/text.h"

/* `argument` is a query string, with or without its '?', or a whole URL (what stands behind its '#'
 * is dropped). Appends it to `out` without the parameter `token`, which explaining does not need,
 * and percent-encodes what may not stand in a request line. */
void argument_clean(struct view argument, struct text *out);
