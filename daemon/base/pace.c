#include "base/pace.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

int64_t pace_next(const struct pace *pace, int64_t most) {
  if (pace->count < (uint64_t)most)
    return INT64_MIN;
  /* One more is allowed a minute after this beginning. */
  return pace->begun[(pace->count - (uint64_t)most) % PACE_MOST] + MINUTE;
}

int64_t pace_wait(const struct pace *pace, int64_t most, int64_t now) {
  int64_t next = pace_next(pace, most);
  return next > now ? (next - now + SECOND - 1) / SECOND : 0;
}

void pace_begin(struct pace *pace, int64_t now) {
  pace->begun[pace->count++ % PACE_MOST] = now;
}
