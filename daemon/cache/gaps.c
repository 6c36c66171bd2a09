#include "cache/gaps.h"

#include "base/clock.h"

#include <malloc.h>

#define PAUSE CLOCK_SECOND

void gaps_note(struct gaps *gaps, int64_t bytes) {
  atomic_fetch_add_explicit(&gaps->freed, bytes, memory_order_relaxed);
}

bool gaps_are_due(const struct gaps *gaps, int64_t least, int64_t now) {
  return atomic_load_explicit(&gaps->freed, memory_order_relaxed) >= least &&
         now - atomic_load_explicit(&gaps->trimmed_at, memory_order_relaxed) >= PAUSE;
}

void gaps_trim(struct gaps *gaps, int64_t now) {
  atomic_store(&gaps->freed, 0);
  atomic_store(&gaps->trimmed_at, now);
  (void)malloc_trim(0);
}
