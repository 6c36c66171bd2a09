/* The paces of the keys that requests are sent with; of the upstream room only. A key is known by
 * the digest of its text. All calls come from one thread. */
#pragma once

#include "base/check.h"
#include "base/digest.h"
#include "upstream/pacing.h"

#define KEYS_MOST 1000 /* with requests under way, or not idle (pacing_is_idle()) */

/* Begins as {0}. */
struct keys {
  struct key *table;
};

/* The pace of a key, as long as it is held. NULL: no memory, or there are KEYS_MOST others. `now`:
 * clock_monotonic(). */
struct pacing *keys_hold(struct keys *keys, const struct digest *key, int64_t now) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void keys_let_go(struct pacing **pacing);
/* Frees all; none is held. */
void keys_free(struct keys *keys);
