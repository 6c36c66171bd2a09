/* A shared number of bytes of memory. Each caller names the limit as it takes some. Any thread;
 * nothing blocks. */
#pragma once

#include "base/check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct allowance {
  atomic_size_t taken; /* bytes */
};

/* Takes `bytes`. False: more than `limit` would be taken, and nothing was. */
bool allowance_take(struct allowance *allowance, size_t bytes, size_t limit) MUST_CHECK;
/* Gives back bytes that were taken. */
void allowance_give(struct allowance *allowance, size_t bytes);
