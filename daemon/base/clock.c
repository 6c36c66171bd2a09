#include "base/clock.h"

#include <time.h>

static int64_t nanoseconds(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_seconds(void) {
  return nanoseconds(CLOCK_REALTIME) / 1000000000;
}

int64_t clock_milliseconds(void) {
  return nanoseconds(CLOCK_REALTIME) / 1000000;
}

int64_t clock_monotonic(void) {
  return nanoseconds(CLOCK_MONOTONIC);
}
