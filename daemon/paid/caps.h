/* The caps of plans: the most rows that upstream gives in one answer to a key. Learned from the
 * subscription's name and from answers; kept in memory alone, as plans change. Of the paid room
 * only. Any thread; does not block. */
#pragma once

#include "base/check.h"
#include "base/digest.h"

#include <stdint.h>

/* The most keys whose cap is kept. Beyond it the one that was learned first is forgotten. */
#define CAPS_MOST 256

struct caps;

/* The caller owns the result. NULL: no memory. */
struct caps *caps_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void caps_release(struct caps **caps);

/* The cap of the key with this fingerprint: rows; 0: there is none; -1: it is not known. */
int64_t caps_find(struct caps *caps, const struct digest *key);
/* Keeps a cap, as caps_find() returns it, instead of what was known. */
void caps_learn(struct caps *caps, const struct digest *key, int64_t cap);
