/* Bounds the requests per second of each token (access.requests_per_second).
 *
 * A token may save up one second's worth of requests and send them at once. What does not fit is
 * refused and takes nothing. A bounded number of tokens is remembered: one that has been quiet makes
 * room for another and begins anew, so lack of room lets a request through, and never refuses one.
 *
 * Tokens are spread over locks, so that two threads rarely want the same one. Any thread; nothing
 * blocks; the time is the caller's. */
#pragma once

#include "base/check.h"
#include "base/digest.h"

#include <stdint.h>

#define RATE_MOST 100000 /* requests per second */

struct rates;

/* No token has sent anything. NULL: no memory. */
struct rates *rates_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void rates_release(struct rates **rates);

/* Takes one request of the token with this fingerprint, at `per_second` (1 to RATE_MOST). `now` is
 * clock_monotonic(). False: it is one too many; `*retry_after` is the time until the next one fits,
 * in seconds, rounded up (1 or more). */
bool rate_take(struct rates *rates, const struct digest *fingerprint, int64_t per_second,
               int64_t now, int64_t *retry_after) MUST_CHECK;

/* Counts a refusal to the token of this label, and logs the count at most once a minute. `now` is
 * clock_monotonic(). */
void rates_note_refusal(struct rates *rates, const char *label, int64_t now);
