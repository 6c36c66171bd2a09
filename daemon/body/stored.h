/* A body that reads a stored result chunk by chunk. A client that reads all of it from the disk makes
 * it hot (cache/hot.h), if it is worth that. */
#pragma once

#include "cache/hot.h"
#include "http/body.h"

/* Takes over `*hold`, which has an entry, and leaves NULL, even if it returns NULL (no memory). The
 * caller keeps `request` (X-Request-Id, for the log) as long as the body. Its reads block on the
 * disk, and never return BODY_WAIT. */
struct body *body_stored(struct cache_hold **hold, const char *request) MUST_CHECK;
