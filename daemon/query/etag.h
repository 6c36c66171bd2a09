/* If-None-Match: what a client has already (RFC 9110 13.1.2). Pure. */
#pragma once

#include "base/view.h"

/* Whether `list`, the value of one If-None-Match line (any bytes), names `tag` (RFC 9110 8.8.3,
 * with its quotes, without W/), or is "*", which any tag is. Compares as the RFC asks, weakly:
 * W/"a" names "a". What is no entity-tag is passed over up to the next comma; a quote that is not
 * closed ends the list. */
bool etag_is_listed(struct view list, struct view tag);
