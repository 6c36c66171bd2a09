/* What a request's Cache-Control asks of the cache (RFC 9111 5.2.1). Pure. `Pragma` is the caller's
 * matter. */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

#define WISH_ABSENT INT64_C(-1)
#define WISH_ANY INT64_MAX /* `max-stale` without a value: however stale */
/* RFC 9111 1.2.2: what a number of seconds too large to keep counts as. Far from INT64_MAX, so that
 * a caller may add to it. */
#define WISH_SECONDS_MAX (INT64_C(1) << 31)

struct wish {
  bool no_cache, no_store, only_if_cached;
  int64_t max_age; /* seconds, 0 to WISH_SECONDS_MAX, or WISH_ABSENT; the other two likewise */
  int64_t min_fresh;
  int64_t max_stale; /* or WISH_ANY */
};

#define WISH_NONE ((struct wish){.max_age = -1, .min_fresh = -1, .max_stale = -1})

/* Adds what one Cache-Control header line (any bytes) says to `wish`, which begins as WISH_NONE:
 * called once per line. Never fails. Names are compared without case; an argument may be a token or
 * a quoted string. Unknown directives and junk are passed over. Of a directive given twice the
 * stricter counts: the least max-age and max-stale, the greatest min-fresh. A max-age without a
 * whole number is max-age=0, as RFC 9111 4.2.1 advises taking invalid freshness for none; a
 * min-fresh or max-stale with junk for a number is passed over, since it names neither more
 * freshness nor a leave. */
void wish_parse(struct wish *wish, struct view header_value);

/* Forgets all that makes a request spend where another one would not: no-cache, max-age and
 * min-fresh, which ask for an answer past what is stored and fresh, and no-store (RFC 9111
 * 5.2.1.5), with which nothing is ever stored, nor a miss under way joined, and so every request is
 * a miss. For a token that may not (contract, `rowcachectl token deny NAME no-cache`). */
void wish_forgo(struct wish *wish);
