/* If-None-Match: the entity-tags of what a client has stored (RFC 9110 13.1.2). Pure. */
#pragma once

#include "base/view.h"

/* True if `list`, the value of one If-None-Match line (any bytes), names `tag` (RFC 9110 8.8.3,
 * with its quotes, without W/), or is "*", which matches every tag. The comparison is weak, as the
 * RFC demands: W/"a" matches "a". An element that is no entity-tag is skipped up to the next comma;
 * a quote that is not closed ends the list. */
bool etag_is_listed(struct view list, struct view tag);
