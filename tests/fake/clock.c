/* A clock in place of daemon/base/clock.c that stands still until a test moves it.
 *
 * DRIVEN_CLOCK names a file of two 64-bit integers that the test maps as well: the time of day and
 * the clock for durations, both in nanoseconds. Without it the test is in the same process, and
 * moves the clock itself (clock.h).
 *
 * A waiting thread reads the clock every STEP_MS of real time. A file cannot wake a thread, and a
 * socket beside it would need a thread here and an owner there. */
#include "clock.h"
#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 5

struct control {
  _Atomic int64_t time_of_day, monotonic;
};

static struct control own = {.monotonic = 3600 * CLOCK_SECOND};
static struct control *control = &own;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("DRIVEN_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *mapped = mmap(NULL, sizeof own, PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0)
    close(file);
  if (mapped != MAP_FAILED)
    control = mapped;
}

void fake_clock_set(int64_t milliseconds) {
  atomic_store(&own.time_of_day, milliseconds * CLOCK_MILLISECOND);
}

void fake_clock_pass(int64_t milliseconds) {
  atomic_fetch_add(&own.monotonic, milliseconds * CLOCK_MILLISECOND);
}

int64_t clock_seconds(void) {
  return atomic_load(&control->time_of_day) / CLOCK_SECOND;
}

int64_t clock_milliseconds(void) {
  return atomic_load(&control->time_of_day) / CLOCK_MILLISECOND;
}

int64_t clock_monotonic(void) {
  return atomic_load(&control->monotonic);
}

int64_t clock_coarse(void) {
  return clock_monotonic();
}

int clock_timeout(int64_t until) {
  if (until == CLOCK_NEVER)
    return -1;
  return clock_monotonic() < until ? STEP_MS : 0;
}

void clock_sleep(int64_t until) {
  poll(NULL, 0, clock_timeout(until));
}

bool clock_poll(int file, int64_t until) {
  struct pollfd look = {.fd = file, .events = POLLIN};
  int timeout;
  do {
    timeout = clock_timeout(until);
    if (poll(&look, 1, timeout) > 0)
      return true;
  } while (timeout != 0);
  return false;
}

bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until) {
  struct timespec step;
  clock_gettime(CLOCK_MONOTONIC, &step);
  step.tv_nsec += STEP_MS * CLOCK_MILLISECOND;
  step.tv_sec += step.tv_nsec / CLOCK_SECOND;
  step.tv_nsec %= CLOCK_SECOND;
  return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &step) == 0 ||
         clock_monotonic() < until;
}
