/* Bytes of memory that many share, up to a limit that each names as it takes. Any thread; nothing
 * blocks. */
#pragma once

#include "base/check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct allowance {
  atomic_size_t taken; /* bytes */
};

/* Takes `bytes`, if no more than `limit` are taken with them; false: none were. */
bool allowance_take(struct allowance *allowance, size_t bytes, size_t limit) MUST_CHECK;
/* Gives back what was taken. */
void allowance_give(struct allowance *allowance, size_t bytes);
