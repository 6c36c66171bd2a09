/* The Cache-Control of a request (RFC 9111 5.2.1). Pure. The caller handles `Pragma`. */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

#define WISH_ABSENT INT64_C(-1)
#define WISH_ANY INT64_MAX /* `max-stale` without a value: any age */
/* A larger number of seconds counts as this one (RFC 9111 1.2.2). It is far below INT64_MAX, so
 * that a caller may add to it. */
#define WISH_SECONDS_MAX (INT64_C(1) << 31)

struct wish {
  bool no_cache, no_store, only_if_cached;
  int64_t max_age; /* seconds, 0 to WISH_SECONDS_MAX, or WISH_ABSENT; the other two likewise */
  int64_t min_fresh;
  int64_t max_stale; /* or WISH_ANY */
};

#define WISH_NONE ((struct wish){.max_age = -1, .min_fresh = -1, .max_stale = -1})

/* Adds one Cache-Control header line (any bytes) to `wish`, which begins as WISH_NONE. Called once
 * per line; never fails. Names are compared without case; an argument may be a token or a quoted
 * string. Unknown directives and junk are ignored. If a directive is repeated, the stricter one
 * counts: the least max-age and max-stale, the greatest min-fresh. A max-age without a whole number
 * counts as 0, as RFC 9111 4.2.1 advises for invalid freshness. A min-fresh or max-stale without
 * one is ignored. */
void wish_parse(struct wish *wish, struct view header_value);

/* Clears every directive that makes a request spend where another would not: no-cache, max-age and
 * min-fresh, which refuse stored answers that are fresh, and no-store (RFC 9111 5.2.1.5), which
 * neither stores its answer nor joins a miss under way. For a token without that right (contract,
 * `rowcachectl token deny NAME no-cache`). */
void wish_forgo(struct wish *wish);
