#include "base/pace.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

int64_t pace_wait(const struct pace *pace, int64_t most, int64_t now) {
  if (pace->count < (uint64_t)most)
    return 0;
  /* One more is allowed a minute after this beginning. */
  int64_t left = pace->begun[(pace->count - (uint64_t)most) % PACE_MOST] + MINUTE - now;
  return left > 0 ? (left + SECOND - 1) / SECOND : 0;
}

void pace_begin(struct pace *pace, int64_t now) {
  pace->begun[pace->count++ % PACE_MOST] = now;
}
