#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

static int64_t nanoseconds(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

static struct timespec timespec_of(int64_t moment) {
  return (struct timespec){.tv_sec = moment / CLOCK_SECOND, .tv_nsec = moment % CLOCK_SECOND};
}

/* The coarse clock lags by some milliseconds at most, and takes a fifth of the time to read. */
int64_t clock_seconds(void) {
  return nanoseconds(CLOCK_REALTIME_COARSE) / CLOCK_SECOND;
}

int64_t clock_milliseconds(void) {
  return nanoseconds(CLOCK_REALTIME) / CLOCK_MILLISECOND;
}

int64_t clock_monotonic(void) {
  return nanoseconds(CLOCK_MONOTONIC);
}

int64_t clock_coarse(void) {
  return nanoseconds(CLOCK_MONOTONIC_COARSE);
}

void clock_sleep(int64_t until) {
  const struct timespec end = timespec_of(until);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
    continue;
}

bool clock_poll(int file, int64_t until) {
  struct pollfd readable = {.fd = file, .events = POLLIN};
  int timeout;
  do {
    timeout = clock_timeout(until);
    if (poll(&readable, 1, timeout) > 0)
      return true;
  } while (timeout != 0);
  return false;
}

bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until) {
  const struct timespec end = timespec_of(until);
  return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &end) == 0;
}

int clock_timeout(int64_t until) {
  if (until == CLOCK_NEVER)
    return -1;
  int64_t left = until - clock_monotonic();
  if (left <= 0)
    return 0;
  left = left / CLOCK_MILLISECOND + 1;
  return left > INT_MAX ? INT_MAX : (int)left;
}
